"""One choice of an answer: deltas in, parts in order out.

Text and thoughts flow through as they come.  A function call is kept until its arguments are whole:
fragments of parallel calls may interleave on this wire, ids and names may come late or not at all,
and a call whose arguments turn out not to be a JSON object must never have looked like one.
"""

from typing import Final, TypeAlias

import msgspec

from geminid.core.content import Call, Json, Part, Text, Thought
from geminid.core.events import Delta, End, Event, PartEnd, PartStart
from geminid.dialects.openai.logprobs import TokenLogprob, logprobs_result
from geminid.dialects.openai.parts import read_image
from geminid.dialects.openai.wire import Message, ReasoningDetail, ToolCall

_REASONS: Final = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "function_call": "STOP",
    "content_filter": "SAFETY",
}
_CALLED: Final = "Model generated function call(s)."
_SIGNED: Final = "google-gemini-v1"
_Growing: TypeAlias = type[Text] | type[Thought]


class _Fragments:
    """A call that may not be whole yet."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = self.name = self.signature = ""
        self.pieces: list[str] = []

    def add(self, call: ToolCall) -> None:
        function = call.function
        self.id = self.id or call.id or ""
        self.signature = self.signature or call.signature
        if function is None:
            return
        if function.name and function.name != self.name:  # some repeat it, some send it in pieces
            self.name += function.name
        if function.arguments is not None:
            self.pieces.append(function.arguments_text)

    def whole(self) -> Call | None:
        """The call, if it has a name and its arguments are one JSON object; none are `{}`."""
        text = "".join(self.pieces).strip() or "{}"
        try:
            args = msgspec.json.decode(text.encode())
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        if not isinstance(args, dict) or not self.name:
            return None
        return Call(name=self.name, args=Json(text.encode()), id=self.id, signature=self.signature)

    def is_continued_by(self, call: ToolCall) -> bool:
        """Whether `call` goes on with this one; what the id does not tell, the rest must."""
        if call.id and self.id:
            return call.id == self.id
        name = call.function.name if call.function is not None else None
        if not name or not self.name:
            return True
        if call.index is None and name != self.name:
            return False
        return not self.may_be_whole or self.whole() is None  # whole arguments take no more

    @property
    def may_be_whole(self) -> bool:
        """Whether the last fragment ends as an object does: spares parsing all for each of them."""
        return bool(self.pieces) and self.pieces[-1].rstrip().endswith("}")


class Candidate:
    """Choice `index`.  With `thoughts` false, the model's thoughts are read past."""

    def __init__(self, index: int, *, thoughts: bool) -> None:
        self.index = index
        self.reason = ""  # the wire's own, once it has come
        self.ended = False
        self._thoughts = thoughts
        self._count = 0
        self._open: _Growing | None = None
        self._calls: list[_Fragments] = []
        self._called = False
        self._refusal: list[str] = []
        self._signatures: dict[str, str] = {}  # by call id; "" is the text's
        self._logprobs: list[TokenLogprob] = []

    def add(self, message: Message, *, whole: bool) -> list[Event]:
        """The events of one delta, or of a `whole` message, where each call is one of its own."""
        events: list[Event] = []
        for detail in message.reasoning_details or ():
            self._sign(detail)
        if message.signature:
            self._signatures[""] = message.signature
        if self._thoughts:
            events += self._grow(Thought, message.thought)
        for kind, text in message.texts:
            if kind is Text or self._thoughts:
                events += self._grow(kind, text)
        self._refusal += message.refusals
        for url in message.image_urls:
            events += self._whole(read_image(url))
        for call in message.calls:
            if whole:
                self._calls.append(_Fragments(call.index))
                self._calls[-1].add(call)
            else:
                self._add_call(call)
        return events

    def add_logprobs(self, tokens: list[TokenLogprob]) -> None:
        """Keeps the log probabilities of the tokens that came."""
        self._logprobs += tokens

    def end(self) -> list[Event]:
        """The closing events.  `reason` must have come."""
        self.ended = True
        events, broken = self._flush()
        events += self._close(final=True)
        reason = _REASONS.get(self.reason, "OTHER")
        message = _CALLED if self._called and reason == "STOP" else ""
        if broken and reason in ("STOP", "OTHER"):
            reason = "MALFORMED_FUNCTION_CALL"
            message = f"Malformed function call: the arguments of {broken!r} are no JSON object."
        elif broken:
            message = f"The answer ended inside the arguments of the function call {broken!r}."
        elif self._refusal and reason == "STOP":
            reason, message = "SAFETY", "".join(self._refusal)
        elif reason == "OTHER":
            message = f"The upstream ended for a reason of its own: {self.reason[:80]}."
        extra = logprobs_result(self._logprobs) if self._logprobs else None
        dialect = "gemini" if extra is not None else ""
        return [*events, End(reason, message, self.index, None, extra, dialect)]

    def _grow(self, kind: _Growing, text: str) -> list[Event]:
        if not text:
            return []
        events: list[Event] = []
        if self._calls and all(call.may_be_whole for call in self._calls):
            events, _ = self._flush()
        if self._open is kind:
            return [*events, Delta(self._count - 1, text, self.index)]
        events += self._close()
        events.append(PartStart(self._count, kind(text=text), self.index))
        self._count += 1
        self._open = kind
        return events

    def _whole(self, part: Part) -> list[Event]:
        events = self._close()
        events += [PartStart(self._count, part, self.index), PartEnd(self._count, "", self.index)]
        self._count += 1
        return events

    def _close(self, *, final: bool = False) -> list[Event]:
        signature = self._signatures.pop("", "") if final else ""
        events: list[Event] = []
        if signature and self._open is not Text:
            events = [*self._close(), PartStart(self._count, Text(text=""), self.index)]
            self._count += 1
            self._open = Text
        if self._open is None:
            return events
        self._open = None
        return [*events, PartEnd(self._count - 1, signature, self.index)]

    def _add_call(self, call: ToolCall) -> None:
        if call.index is None:
            known = self._calls[-1:]
            if call.id:
                known = [seen for seen in self._calls if seen.id == call.id] or known
        else:
            known = [seen for seen in self._calls if seen.index == call.index]
        if not known or not known[-1].is_continued_by(call):
            self._calls.append(_Fragments(call.index))
            known = self._calls
        known[-1].add(call)

    def _flush(self) -> tuple[list[Event], str]:
        """Parts for the calls kept, all or none; and the name of the first that is broken."""
        wholes = [fragments.whole() for fragments in self._calls]
        if not all(wholes):
            broken = next(f for f, whole in zip(self._calls, wholes, strict=True) if not whole)
            return [], broken.name or "?"
        events: list[Event] = []
        for call in wholes:
            if call is not None:
                signature = call.signature or self._signatures.get(call.id, "")
                events += self._whole(msgspec.structs.replace(call, signature=signature))
                self._called = True
        self._calls = []
        return events, ""

    def _sign(self, detail: ReasoningDetail) -> None:
        if detail.type == "reasoning.encrypted" and detail.format == _SIGNED and detail.data:
            self._signatures[detail.id or ""] = detail.data
