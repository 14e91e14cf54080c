"""Contents as messages.

Gemini's history names function calls by position, OpenAI's by id, and a `tool` message must follow
the call it answers.  So neighbouring contents of one role become one message, calls get the id they
came with or one from their position, and results find their call by id, else by name in order.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final

import msgspec

from geminid.core.content import Blob, Call, Content, Part, Result, Text, Thought
from geminid.core.errors import Unrepresentable
from geminid.core.request import Request
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.names import Names
from geminid.dialects.openai.parts import Ignore, unrepresentable, write_part
from geminid.dialects.openai.reasoning import SIGNED, THINKING, recall, sent_signature
from geminid.dialects.openai.tree import Tree

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_PLAIN: Final = ("result", "output")


def write_messages(request: Request, flavor: Flavor, ignore: Ignore) -> list[Tree]:
    """The whole conversation, the system instruction first.

    Raises:
        Unrepresentable: a part has no place in this dialect, or a result answers no call.
    """
    messages: list[Tree] = []
    if request.system:
        messages.append({"role": "system", "content": _system(request.system)})
    turns = _Turns(Names(request.functions), flavor, ignore)
    for role, parts in _merged(request.contents):
        messages.extend(turns.model(parts) if role == "model" else turns.user(parts))
    return messages


def _merged(contents: Iterable[Content]) -> Iterator[tuple[str, list[Part]]]:
    role, parts = "", list[Part]()
    for content in contents:
        speaker = content.role or "user"
        if speaker != role and parts:
            yield role, parts
            parts = []
        role = speaker
        parts.extend(content.parts)
    if parts:
        yield role, parts


def _system(parts: Iterable[Part]) -> str:
    texts: list[str] = []
    for part in parts:
        if not isinstance(part, Text):
            raise Unrepresentable("A system instruction for this model's engine must be text.")
        texts.append(part.text)
    return "\n\n".join(texts)


class _Turns:
    """Writes turns, and knows which calls of the last model turn wait for their result."""

    def __init__(self, names: Names, flavor: Flavor, ignore: Ignore) -> None:
        self._names = names
        self._flavor, self._ignore = flavor, ignore
        self._turn = 0
        self._waiting: list[tuple[Call, str]] = []

    def model(self, parts: Iterable[Part]) -> Iterator[Tree]:
        """The assistant's message, if anything is left to say."""
        self._turn += 1
        self._waiting = []
        texts: list[str] = []
        thoughts: list[Thought] = []
        signatures: list[tuple[str, str]] = []  # (call id or "", signature)
        calls: list[Tree] = []
        for part in parts:
            match part:
                case Thought():
                    thoughts.append(part)
                case Text():
                    texts.append(part.text)
                    signatures.append(("", sent_signature(part.signature)))
                case Call():
                    sent = self._name(part)
                    signatures.append((sent, sent_signature(part.signature)))
                    calls.append(self._call(part, sent))
                case Blob() if part.modifiers is not None and part.modifiers.thought:
                    self._ignore("contents.parts.thought")
                case _:
                    raise unrepresentable(part)
        if not texts and not calls:
            if thoughts:
                self._ignore("contents.parts.thought")
            return
        recalled = recall(thoughts, self._flavor, self._ignore)
        text = recalled.inline + "".join(texts)
        message: Tree = {"role": "assistant", "content": text or None}
        if recalled.thinking:
            thinking = {"type": THINKING, THINKING: [{"type": "text", "text": recalled.thinking}]}
            message["content"] = [thinking, *([{"type": "text", "text": text}] if text else [])]
        if calls:
            message["tool_calls"] = calls
        elif not message["content"]:
            message["content"] = ""
        message |= recalled.fields
        self._sign(message, recalled.details, [pair for pair in signatures if pair[1]])
        if recalled.details:
            message["reasoning_details"] = recalled.details
        yield message

    def user(self, parts: Sequence[Part]) -> Iterator[Tree]:
        """`tool` messages for the results, then what they show and what the user says and shows."""
        results = [part for part in parts if isinstance(part, Result)]
        shown: list[Part] = []
        for result, sent in zip(results, self._matched(results), strict=True):
            yield {"role": "tool", "tool_call_id": sent, "content": _result(result)}
            if result.scheduling or result.will_continue is not None:
                self._ignore("contents.parts.functionResponse.scheduling")
            if result.media and len(results) > 1:  # else nobody could tell whose they are
                name = self._names.sent(result.name)
                shown.append(Text(text=f"The result of {name} ({sent}) shows:"))
            shown.extend(result.media)
        said = (
            [*shown, *(part for part in parts if not isinstance(part, Result))]
            if results
            else parts
        )
        if not said:
            return
        if len(said) == 1 and isinstance(said[0], Text):
            yield {"role": "user", "content": said[0].text}
        else:
            content = [write_part(part, self._flavor, self._ignore) for part in said]
            yield {"role": "user", "content": content}

    def _name(self, call: Call) -> str:
        taken = {sent for _, sent in self._waiting}
        sent = call.id if _ID.fullmatch(call.id) and call.id not in taken else ""
        free = (f"call_{self._turn}_{place}" for place in count(len(self._waiting)))
        sent = sent or next(name for name in free if name not in taken)
        self._waiting.append((call, sent))
        return sent

    def _matched(self, results: Sequence[Result]) -> list[str]:
        """The ids of the calls that `results` answer: by id first, the rest by name and order."""
        sent: dict[int, str] = {}
        for by_id in (True, False):
            for place, result in enumerate(results):
                if place in sent:
                    continue
                found = next(
                    (pair for pair in self._waiting if _fits(pair[0], result, by_id=by_id)), None
                )
                if found is not None:
                    self._waiting.remove(found)
                    sent[place] = found[1]
        for place, result in enumerate(results):
            if place not in sent:
                raise Unrepresentable(
                    f"The function response {result.name!r} answers no function call of the turn"
                    " before it."
                )
        return [sent[place] for place in range(len(results))]

    def _call(self, call: Call, sent: str) -> Tree:
        function = {"name": self._names.sent(call.name), "arguments": bytes(call.args).decode()}
        tree: Tree = {"id": sent, "type": "function", "function": function}
        if call.signature and self._flavor.signatures == "extra":
            signature = sent_signature(call.signature)
            tree["extra_content"] = {"google": {"thought_signature": signature}}
        return tree

    def _sign(self, message: Tree, details: list[Tree], signatures: list[tuple[str, str]]) -> None:
        """Gemini's own signatures, where they go: into the `details`, or the `message`."""
        # Behind one address there may be models of many makers: what another's thoughts stand
        # beside is no signature of Gemini's but one that was put in its place.
        foreign = any(detail.get("format", SIGNED) != SIGNED for detail in details)
        match self._flavor.signatures:
            case "details" if not foreign:
                for sent, signature in signatures:
                    detail = {"type": "reasoning.encrypted", "data": signature, "id": sent or None}
                    details.append(detail | {"format": SIGNED, "index": len(details)})
            case "extra":
                if texts := [signature for sent, signature in signatures if not sent]:
                    message["extra_content"] = {"google": {"thought_signature": texts[-1]}}
            case _ if signatures:
                self._ignore("contents.parts.thoughtSignature")


def _fits(call: Call, result: Result, *, by_id: bool) -> bool:
    if by_id:
        return bool(result.id) and call.id == result.id
    return call.name == result.name


def _result(result: Result) -> str:
    """The response as JSON; a plain string for the customary one key that holds one."""
    response = msgspec.json.decode(result.response)
    if isinstance(response, dict) and len(response) == 1:
        key, value = next(iter(response.items()))
        if key in _PLAIN and isinstance(value, str):
            return value
    return bytes(result.response).decode()
