"""One choice of an answer: deltas in, parts in order out.

Text and thoughts flow through as they come.  A function call is kept until its arguments are whole:
fragments of parallel calls may interleave on this wire, ids and names may come late or not at all,
and a call whose arguments turn out not to be a JSON object must never have looked like one.
"""

from collections import defaultdict
from typing import Final

import msgspec

from geminid.core.content import Call, Json, Part, Text, Thought
from geminid.core.events import Delta, End, Event, PartEnd, PartStart
from geminid.dialects.openai.choice import unwrapped
from geminid.dialects.openai.grounding import Sources
from geminid.dialects.openai.logprobs import TokenLogprob, logprobs_result
from geminid.dialects.openai.loose import Letters, joined
from geminid.dialects.openai.parts import read_image
from geminid.dialects.openai.question import Question
from geminid.dialects.openai.reasoning import TAGS, Detail, Origin
from geminid.dialects.openai.think import ThinkSplitter
from geminid.dialects.openai.tree import Tree
from geminid.dialects.openai.wire import Message, ToolCall

_REASONS: Final = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "function_call": "STOP",
    "content_filter": "SAFETY",
    # Not of this dialect, but servers let them through [M].
    "end_turn": "STOP",
    "eos": "STOP",
    "eos_token": "STOP",
    "stop_sequence": "STOP",
    "tool_use": "STOP",
    "max_tokens": "MAX_TOKENS",
    "model_length": "MAX_TOKENS",
    "safety": "SAFETY",
    "sensitive": "SAFETY",
    "recitation": "RECITATION",
}
_CALLED: Final = "Model generated function call(s)."
_WORDS: Final = "words"
_DETAIL: Final = "detail"


class _Fragments:
    """A call that may not be whole yet."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = self.name = self.signature = ""
        self.pieces: list[str] = []

    def add(self, call: ToolCall) -> None:
        function = call.function
        self.id = self.id or str(call.id or "")
        self.signature = self.signature or call.signature
        if function is None:
            return
        if function.name and function.name != self.name:  # some repeat it, some send it in pieces
            self.name += function.name
        if function.arguments is not None:
            self.pieces.append(function.arguments_text)

    def whole(self) -> Call | None:
        """The call, if it has a name and its arguments are one JSON object; none are `{}`."""
        text = joined("".join(self.pieces)).strip() or "{}"
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
            return str(call.id) == self.id
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
    """Choice `index`, to the `question` that was asked."""

    def __init__(self, index: int, question: Question) -> None:
        self.index = index
        self.reason = ""  # the wire's own, once it has come
        self.ended = False
        self._names = question.names
        self._count = 0
        self._open = ""  # what the open part is of: `_WORDS`, `_DETAIL` or a field of thoughts
        self._detail: Detail | None = None  # that the open part has come from
        self._fielded: list[str] = []  # thoughts that came in a field
        self._repeated = 0  # how much of that has come again in details
        self._splitter = ThinkSplitter()
        self._held: list[str] | None = [] if question.wrapped else None  # words to be unwrapped
        self._calls: list[_Fragments] = []
        self._called = False
        self._refusal: list[str] = []
        self._signatures: dict[str, str] = {}  # by call id
        self._unnamed: list[str] = []  # signatures of the text, or of a call that nobody named
        self._letters: defaultdict[str, Letters] = defaultdict(Letters)  # by field
        self._logprobs: list[TokenLogprob] = []
        self._sources = Sources()

    def add(self, message: Message, *, whole: bool) -> list[Event]:
        """The events of one delta, or of a `whole` message, where each call is one of its own."""
        events = self._thoughts(message, whole=whole)
        self._keep_signature("", message.signature)
        for field, piece in message.texts:
            text = self._letters[field].feed(piece)
            events += self._think(field, text) if field else self._content(text)
        self._refusal += message.refusals
        self._sources.add(message.annotations)
        for url in message.image_urls:
            events += self._split()
            events += self._whole(read_image(url))
        for call in message.calls:
            events += self._split()
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
        events = [*self._content(self._letters[""].finish()), *self._split()]
        if self._held:
            events += self._grow(_WORDS, Text(text=unwrapped("".join(self._held))))
        flushed, broken = self._flush(last=True)
        events += flushed
        if not broken:  # the calls that they name have not come
            self._unnamed += self._signatures.values()
        events += self._close_signed()
        reason, message = self._ending(broken)
        extra = self._extra()
        dialect = "gemini" if extra is not None else ""
        return [*events, End(reason, message, self.index, None, extra, dialect)]

    def _extra(self) -> Json | None:
        """Gemini's further fields of a candidate."""
        extra = logprobs_result(self._logprobs) if self._logprobs else None
        grounding = self._sources.metadata()
        if grounding is None:
            return extra
        fields: Tree = {"groundingMetadata": grounding}
        if extra is not None:
            fields |= msgspec.json.decode(extra, type=dict[str, msgspec.Raw])
        return Json(msgspec.json.encode(fields))

    def _ending(self, broken: str) -> tuple[str, str]:
        """Gemini's reason and message; `broken` names a call that is not whole."""
        reason = _REASONS.get(self.reason.lower(), "OTHER")
        if broken and reason in ("STOP", "OTHER"):
            return (
                "MALFORMED_FUNCTION_CALL",
                f"Malformed function call: the arguments of {broken!r} are no JSON object.",
            )
        if broken:
            said = f"The answer ended inside the arguments of the function call {broken!r}."
            return reason, said
        if self._refusal and reason in ("STOP", "SAFETY"):
            return "SAFETY", "".join(self._refusal)
        messages = {
            "STOP": _CALLED if self._called else "",
            "SAFETY": "The upstream's content filter ended the answer.",
            "OTHER": f"The upstream ended for a reason of its own: {self.reason[:80]}.",
        }
        return reason, messages.get(reason, "")

    def _thoughts(self, message: Message, *, whole: bool) -> list[Event]:
        """Words that a message says both in a field and in its details are one thought."""
        events: list[Event] = []
        details: list[Detail] = []
        for detail in map(Detail, filter(None, message.reasoning_details or ())):
            if detail.is_signature:
                self._keep_signature(detail.signed, detail.proof)
            else:
                details.append(detail)
        field, piece = message.thought
        text = self._letters[field].feed(piece)
        if text and not any(detail.text for detail in details):
            self._fielded.append(text)
            grows = self._detail is not None and self._detail.grows and not self._detail.proof
            events += self._think(_DETAIL if grows else field, text)
        for detail in details:
            events += self._take(detail, whole=whole)
        return events

    def _keep_signature(self, call_id: str, signature: str) -> None:
        if call_id:
            self._signatures[call_id] = signature
        elif signature and signature not in self._unnamed:
            self._unnamed.append(signature)

    def _take(self, detail: Detail, *, whole: bool) -> list[Event]:
        if detail.grows and not detail.text and not detail.proof:
            return []
        before = None if whole else self._detail
        if before is not None and not before.proof and detail.continues(before):
            before.proof = detail.proof
            return self._think(_DETAIL, detail.text)
        if self._is_repeated(detail.text):
            origin, text = Origin(detail=detail.whole()), ""
            detail.grows = False
        else:
            origin, text = Origin(detail=detail.rest), detail.text
        events = [*self._split(), *self._close()]
        events += self._grow(_DETAIL, Thought(text=text, modifiers=origin.modifiers))
        self._detail = detail
        return events

    def _is_repeated(self, text: str) -> bool:
        """Whether a field has said `text` before: some servers send their details at the end."""
        if not text or not "".join(self._fielded).startswith(text, self._repeated):
            return False
        self._repeated += len(text)
        return True

    def _think(self, field: str, text: str) -> list[Event]:
        """More of the thoughts in `field`."""
        if not text:
            return []
        events = [] if field in TAGS else self._split()
        if self._open == field:
            return [*events, Delta(self._count - 1, text, self.index)]
        modifiers = Origin(field=field).modifiers
        return [*events, *self._grow(field, Thought(text=text, modifiers=modifiers))]

    def _content(self, text: str) -> list[Event]:
        """More of the content, which may begin with thoughts."""
        if self._splitter.passed or not text:
            return self._say(text)
        return self._said(self._splitter.feed(text))

    def _split(self) -> list[Event]:
        """What the splitter kept: something else than content has come, or the end."""
        return [] if self._splitter.passed else self._said(self._splitter.finish())

    def _said(self, pieces: list[tuple[str, str]]) -> list[Event]:
        events: list[Event] = []
        for tag, text in pieces:
            events += self._think(tag, text) if tag else self._say(text)
        return events

    def _say(self, text: str) -> list[Event]:
        if not text:
            return []
        if self._held is not None:
            self._held.append(text)
            return []
        events: list[Event] = []
        if self._calls and all(call.may_be_whole for call in self._calls):
            events, _ = self._flush(last=False)
        if self._open == _WORDS:
            events.append(Delta(self._count - 1, text, self.index))
        else:
            events += self._grow(_WORDS, Text(text=text))
        self._sources.say(self._count - 1, text)
        return events

    def _grow(self, kind: str, part: Part) -> list[Event]:
        events = [*self._close(), PartStart(self._count, part, self.index)]
        self._count += 1
        self._open = kind
        return events

    def _whole(self, part: Part) -> list[Event]:
        return [*self._grow(_WORDS, part), *self._close()]

    def _close(self, signature: str = "") -> list[Event]:
        if not self._open:
            return []
        if self._detail is not None:
            signature = self._detail.proof
        self._open, self._detail = "", None
        return [PartEnd(self._count - 1, signature, self.index)]

    def _close_signed(self) -> list[Event]:
        """The end of the last part; a text's signature needs a text."""
        signature = self._unnamed[-1] if self._unnamed else ""
        events = self._grow(_WORDS, Text(text="")) if signature and self._open != _WORDS else []
        return [*events, *self._close(signature)]

    def _add_call(self, call: ToolCall) -> None:
        if call.index is None:
            known = self._calls[-1:]
            if call.id:
                known = [seen for seen in self._calls if seen.id == str(call.id)] or known
        else:
            known = [seen for seen in self._calls if seen.index == call.index]
        if not known or not known[-1].is_continued_by(call):
            self._calls.append(_Fragments(call.index))
            known = self._calls
        known[-1].add(call)

    def _flush(self, *, last: bool) -> tuple[list[Event], str]:
        """Parts for the calls kept, all or none; and the name of the first that is broken.  `last`:
        there will be no further calls.
        """
        wholes = [fragments.whole() for fragments in self._calls]
        if not all(wholes):
            broken = next(f for f, whole in zip(self._calls, wholes, strict=True) if not whole)
            return [], self._names.ours(broken.name) or "?"
        events: list[Event] = []
        for call in self._signed([call for call in wholes if call is not None], last=last):
            name = self._names.ours(call.name)
            events += self._whole(msgspec.structs.replace(call, name=name))
            self._called = True
        self._calls = []
        return events, ""

    def _signed(self, calls: list[Call], *, last: bool) -> list[Call]:
        """`calls` with their signatures.  One that names no call there is goes to the first without
        one, and one without any name to the answer's first call: lost, it breaks the next turn.
        """
        found = [call.signature or self._signatures.pop(call.id, "") for call in calls]
        for place, signature in enumerate(found):
            if not signature and last and self._signatures:
                found[place] = self._signatures.pop(next(iter(self._signatures)))
            elif not signature and not place and not self._called and self._unnamed:
                found[place] = self._unnamed.pop(0)
        return [
            msgspec.structs.replace(call, signature=signature)
            for call, signature in zip(calls, found, strict=True)
        ]
