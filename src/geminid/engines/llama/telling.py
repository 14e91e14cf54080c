"""One answer as its caller gets it, from the passes in which the model writes it."""

import re
from typing import Final

import msgspec

from geminid.core.content import Call, Json, Text, Thought
from geminid.core.errors import Unsupported
from geminid.core.events import Begin, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.usage import Usage
from geminid.engines.llama.grammar import MARK, Goal
from geminid.engines.llama.thinking import Spent
from geminid.engines.llama.watch import Watch

_OPEN: Final = MARK + "["
_JSON_START: Final = re.compile(r'\{["}]|["\[\-0-9tfn]')
_CALLED: Final = "Model generated function call(s)."
_QUOTE: Final = 200
_CUT: Final = "The answer ended inside its function calls, so none is given."
_FULL: Final = "The local model's context, for prompt and answer together, is full."
_LOOPED: Final = (
    "Stopped, because the model only repeated itself; try other words or a higher temperature."
)


class _Called(msgspec.Struct):
    name: str
    args: msgspec.Raw


class Telling:
    """Says what one answer is, event by event, in the order of `core.events`.

    `name` is what the model is called, `asked` the caller's bound on thoughts and answer together,
    `default` the server's where the caller has none.
    """

    def __init__(self, name: str, goal: Goal, *, asked: int | None, default: int) -> None:
        self._name, self._goal = name, goal
        self._asked, self.bound = asked, default if asked is None else asked
        self.answered = False
        """A pass of thoughts went on to answer."""
        self._json = goal.form == "json"
        self._begun = False
        self._thoughts: list[str] = []
        self._spent: Spent | None = None
        self._count = 0  # parts that have ended
        self._text = ""  # held back until it is known what it is
        self._kind: type[Text | Thought | Call] | None = None  # of the part that is open

    @property
    def thoughts(self) -> str:
        """What a pass of thoughts has said."""
        return "".join(self._thoughts)

    @property
    def left(self) -> int:
        """The tokens that are left for the answer."""
        return self.bound - (self._spent.thoughts if self._spent else 0)

    # A pass of thoughts --------------------------------------------------------------------------

    def think(self, event: Event, *, words: bool) -> list[Event]:
        """An event of a pass that writes thoughts only, in `words` if the model has no other way.

        Once `answered` is set, the pass has nothing more to say.
        """
        match event:
            case Begin():
                return self._begin()
            case PartStart(part=Text()) if not words:
                self.answered = True
                return []
            case PartStart(part=Text() | Thought() as part):
                text = part.text
            case Delta():
                text = event.text
            case _:
                return []
        if self._thoughts:
            self._thoughts.append(text)
            return [Delta(0, text)]
        text = text.lstrip()
        if not text:
            return []
        self._thoughts.append(text)
        return [PartStart(0, Thought(text=text))]

    def thought(self, spent: Spent) -> list[Event]:
        """That pass is over, and cost `spent`."""
        self._spent = spent
        if not self._thoughts:
            return []
        self._count = 1
        return [PartEnd(0)]

    def exhausted(self) -> list[Event]:
        """The ending of an answer whose bound was spent in thoughts."""
        spent = self._spent or Spent(prompt=0, cached=0, thoughts=0)
        usage = Usage(prompt=spent.prompt, cached=spent.cached, thoughts=spent.thoughts)
        end = End("MAX_TOKENS", self._limit_met(spent.thoughts))
        return [*self._begin(), Tally(usage), end]

    # The pass of the answer ----------------------------------------------------------------------

    def say(self, event: Event, watch: Watch) -> list[Event]:
        """An event of the pass that writes the answer.

        Raises:
            Unsupported: the grammar was not kept from the first word on: the runtime cannot read
                it.
        """
        match event:
            case Begin():
                return self._begin()
            case PartStart(part=Text() as part):
                self._kind = None
                return self._said(part.text)
            case PartStart():
                self._kind = Thought
                return [PartStart(self._count, event.part)]
            case Delta() if self._kind is not None:
                return self._more(event.text)
            case Delta():
                return self._said(event.text)
            case PartEnd():
                return self._part_over()
            case Tally():
                return [Tally(self._usage(watch))]
            case End():
                return self._end(event, watch)

    def looped(self, watch: Watch) -> list[Event]:
        """The ending of an answer in which the model only repeats itself."""
        return [*self._part_over(), Tally(self._usage(watch)), End("MAX_TOKENS", _LOOPED)]

    def _begin(self) -> list[Event]:
        if self._begun:
            return []
        self._begun = True
        return [Begin("", self._name)]  # llama.cpp's id means nothing to anyone

    def _said(self, text: str) -> list[Event]:
        self._text += text
        if self._goal.calls:
            if _OPEN.startswith(self._text):
                return []
            if self._text.startswith(_OPEN):
                self._kind = Call
                return []
        if self._json and self._text == "{":
            return []  # a grammar that is kept has no blank after it
        if self._goal.must_call or (self._json and not _JSON_START.match(self._text)):
            raise _ungrammatical(self._goal.held)
        return self._tell()

    def _tell(self) -> list[Event]:
        text, self._text, self._kind = self._text, "", Text
        return [PartStart(self._count, Text(text=text))]

    def _more(self, text: str) -> list[Event]:
        if self._kind is Call:
            self._text += text
            return []
        return [Delta(self._count, text)]

    def _part_over(self) -> list[Event]:
        events: list[Event] = []
        if self._kind is None and self._text and not self._may_call:
            events = self._tell()
        if self._kind in (Text, Thought):
            self._kind = None
            self._count += 1
            events.append(PartEnd(self._count - 1))
        return events

    @property
    def _may_call(self) -> bool:
        """Whether what is held back could be the beginning of a call."""
        return self._goal.calls and _OPEN.startswith(self._text)

    def _end(self, event: End, watch: Watch) -> list[Event]:
        words: list[Event] = []
        if self._kind is Call:
            return self._calls(event, watch)
        if self._kind is None and self._text and self._may_call:
            if event.reason == "MAX_TOKENS":
                return self._cut(event, watch)
            if not self._goal.must_call:
                words = [*self._tell(), PartEnd(self._count)]
        if event.reason == "MAX_TOKENS":
            message = self._limit_met(self._total(watch))
            event = msgspec.structs.replace(event, message=message)
        elif self._goal.must_call:
            event = msgspec.structs.replace(
                event, reason="MALFORMED_FUNCTION_CALL", message=_malformed(self._text)
            )
        return [*words, event]

    def _cut(self, event: End, watch: Watch) -> list[Event]:
        full = self._total(watch) < self.bound
        message = f"{_CUT} {_FULL if full else 'A higher maxOutputTokens may help.'}"
        return [msgspec.structs.replace(event, message=message)]

    def _total(self, watch: Watch) -> int:
        return watch.output + (self._spent.thoughts if self._spent else 0)

    def _calls(self, event: End, watch: Watch) -> list[Event]:
        if event.reason != "STOP":
            return self._cut(event, watch)
        try:
            called = msgspec.json.decode(self._text.removeprefix(MARK), type=list[_Called])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            called = []
        if not called or not all(bytes(call.args).startswith(b"{") for call in called):
            message = _malformed(self._text)
            return [
                msgspec.structs.replace(event, reason="MALFORMED_FUNCTION_CALL", message=message)
            ]
        events: list[Event] = []
        for index, call in enumerate(called, self._count):
            part = Call(name=call.name, args=Json(bytes(call.args)))
            events += [PartStart(index, part), PartEnd(index)]
        return [*events, msgspec.structs.replace(event, message=_CALLED)]

    def _usage(self, watch: Watch) -> Usage:
        if self._spent is None:
            return Usage(
                prompt=watch.prompt,
                cached=watch.cached,
                output=watch.output - watch.thoughts,
                thoughts=watch.thoughts,
            )
        return Usage(
            prompt=self._spent.prompt,
            cached=self._spent.cached,
            output=watch.output,
            thoughts=self._spent.thoughts,
        )

    def _limit_met(self, output: int) -> str:
        if output < self.bound:
            return _FULL
        if self._asked is None:
            return f"Stopped at this server's default of {self.bound} tokens; set maxOutputTokens."
        return ""


def _ungrammatical(held: str) -> Unsupported:
    """What is said when the runtime cannot hold the model to the schemas that `held` names."""
    return Unsupported(
        f"The local model cannot be held to {held or 'this schema'}: its runtime does not take"
        " that. Make the schema simpler (fewer alternatives, no elaborate `pattern`), or name a"
        " model that another channel serves."
    )


def _malformed(text: str) -> str:
    said = text if len(text) <= _QUOTE else f"{text[:_QUOTE]}…"
    return f"Malformed function call: {said}"
