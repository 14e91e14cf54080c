"""A whole answer as a `chat.completion` object."""

import msgspec

from geminid.core.events import End
from geminid.core.fold import Answer
from geminid.dialects.openai.chat.answer.ending import (
    Ending,
    blocked,
    ending_of,
    extra_of,
    refuse,
    usable,
)
from geminid.dialects.openai.chat.answer.logprobs import write_logprobs
from geminid.dialects.openai.chat.answer.message import Message
from geminid.dialects.openai.chat.answer.usage import service_tier, write_meta, write_usage
from geminid.dialects.openai.chat.head import Head
from geminid.dialects.openai.tree import Tree


def encode_answer(answer: Answer, head: Head) -> bytes:
    """`answer` as one object, its fields in the order of seed 001.

    Where nobody has counted there is no `usage`: zeros would be a lie, and of `null` and nothing
    only nothing is taken by every client.

    Raises:
        AnswerBroken: no candidate can be used.
        Unrepresentable: a part has no place in this dialect.
        UpstreamMalformed: a sound is no base64.
    """
    tree: Tree = {"id": head.id}
    if head.extended:
        tree["provider"] = head.provider
    tree["model"] = head.model
    tree["object"] = "chat.completion"
    tree["created"] = head.created
    tree["system_fingerprint"] = None  # one SDK wants it there
    tree["service_tier"] = service_tier(answer.usage)
    tree["choices"] = _choices(answer, head)
    if answer.usage is not None:
        tree["usage"] = write_usage(answer.usage, extended=head.extended)
    if head.extended:
        tree["meta"] = write_meta(answer.usage)
    return msgspec.json.encode(tree)


def _choices(answer: Answer, head: Head) -> list[Tree]:
    if not answer.candidates and answer.blocked is not None and answer.blocked.blocked is not None:
        ending = blocked(answer.blocked.blocked)
        message: Tree = {"role": "assistant", "content": None, "refusal": ending.refusal}
        if head.extended:
            message |= {"reasoning": None, "reasoning_content": None, "reasoning_details": []}
        return [_choice(answer.blocked, ending, message, head)]
    if not any(usable(candidate.end) for candidate in answer.candidates):
        refuse([candidate.end for candidate in answer.candidates])
    choices: list[Tree] = []
    for candidate in answer.candidates:
        message_of = Message(candidate, head)
        ending = ending_of(candidate.end, message_of.called)
        choices.append(_choice(candidate.end, ending, message_of.tree(ending.refusal), head))
    return choices


def _choice(end: End, ending: Ending, message: Tree, head: Head) -> Tree:
    native: Tree = {"native_finish_reason": ending.native} if head.extended else {}
    return {
        "logprobs": write_logprobs(extra_of(end)),
        "finish_reason": ending.finish,
        **native,
        "index": end.candidate,
        "message": message,
    }
