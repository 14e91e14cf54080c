"""Contents as messages.

Gemini's history names function calls by position, OpenAI's by id, and a `tool` message must follow
the call it answers.  So neighbouring contents of one role become one message, calls get the id they
came with or one from their position, and results find their call by id, else by name in order.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from geminid.core.content import Blob, Call, Content, Part, Result, Text, Thought
from geminid.core.errors import Unrepresentable
from geminid.core.request import Request
from geminid.dialects.openai.flavor import Flavor
from geminid.dialects.openai.parts import Ignore, unrepresentable, write_part
from geminid.dialects.openai.schema import Tree

SIGNATURE_FORMAT: Final = "google-gemini-v1"
"""The `reasoning_details` format whose data is a Gemini thought signature."""

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
    turns = _Turns(flavor, ignore)
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

    def __init__(self, flavor: Flavor, ignore: Ignore) -> None:
        self._flavor, self._ignore = flavor, ignore
        self._turn = 0
        self._waiting: list[tuple[Call, str]] = []

    def model(self, parts: Iterable[Part]) -> Iterator[Tree]:
        """The assistant's message, if anything is left to say."""
        self._turn += 1
        self._waiting = []
        texts: list[str] = []
        thoughts: list[str] = []
        signatures: list[tuple[str, str]] = []  # (call id or "", signature)
        calls: list[Tree] = []
        for part in parts:
            match part:
                case Thought():
                    thoughts.append(part.text)
                case Text():
                    texts.append(part.text)
                    signatures.append(("", part.signature))
                case Call():
                    sent = self._name(part)
                    signatures.append((sent, part.signature))
                    calls.append(self._call(part, sent))
                case Blob() if part.modifiers is not None and part.modifiers.thought:
                    self._ignore("contents.parts.thought")
                case _:
                    raise unrepresentable(part)
        if not texts and not calls:
            return
        message: Tree = {"role": "assistant", "content": "".join(texts) or None}
        if calls:
            message["tool_calls"] = calls
        elif not message["content"]:
            message["content"] = ""
        yield message | self._reasoning(thoughts, [pair for pair in signatures if pair[1]])

    def user(self, parts: Iterable[Part]) -> Iterator[Tree]:
        """`tool` messages for the results, then what the user says and shows."""
        said: list[Part] = []
        for part in parts:
            if not isinstance(part, Result):
                said.append(part)
                continue
            yield {"role": "tool", "tool_call_id": self._find(part), "content": _result(part)}
            if part.scheduling or part.will_continue is not None:
                self._ignore("contents.parts.functionResponse.scheduling")
            said.extend(part.media)
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
        sent = sent or f"call_{self._turn}_{len(self._waiting)}"
        self._waiting.append((call, sent))
        return sent

    def _find(self, result: Result) -> str:
        found = next(
            (pair for pair in self._waiting if result.id and pair[0].id == result.id), None
        )
        if found is None:
            named = (pair for pair in self._waiting if pair[0].name == result.name)
            found = next(named, None)
        if found is None:
            raise Unrepresentable(
                f"The function response {result.name!r} answers no function call of the turn"
                " before it."
            )
        self._waiting.remove(found)
        return found[1]

    def _call(self, call: Call, sent: str) -> Tree:
        function = {"name": call.name, "arguments": bytes(call.args).decode()}
        tree: Tree = {"id": sent, "type": "function", "function": function}
        if call.signature and self._flavor.signatures == "extra":
            tree["extra_content"] = {"google": {"thought_signature": call.signature}}
        return tree

    def _reasoning(self, thoughts: list[str], signatures: list[tuple[str, str]]) -> Tree:
        flavor = self._flavor
        if thoughts and not flavor.history:
            self._ignore("contents.parts.thought")
        if signatures and not flavor.signatures:
            self._ignore("contents.parts.thoughtSignature")
        tree: Tree = {}
        if thoughts and flavor.history:
            tree[flavor.history] = "".join(thoughts)
        if signatures and flavor.signatures == "details":
            tree["reasoning_details"] = [
                {
                    "type": "reasoning.encrypted",
                    "data": signature,
                    "id": sent or None,
                    "format": SIGNATURE_FORMAT,
                    "index": index,
                }
                for index, (sent, signature) in enumerate(signatures)
            ]
        if flavor.signatures == "extra" and (texts := [s for sent, s in signatures if not sent]):
            tree["extra_content"] = {"google": {"thought_signature": texts[-1]}}
        return tree


def _result(result: Result) -> str:
    """The response as JSON; a plain string for the customary one key that holds one."""
    response = msgspec.json.decode(result.response)
    if isinstance(response, dict) and len(response) == 1:
        key, value = next(iter(response.items()))
        if key in _PLAIN and isinstance(value, str):
            return value
    return bytes(result.response).decode()
