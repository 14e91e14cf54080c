"""The events of one turn of a script, as far as the request's limits let it go."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from geminid.config import ScriptedCall, Turn
from geminid.core.content import Call, Code, CodeResult, Json, Part, Text, Thought
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.engines.script.tokens import PER_TOKEN, prompt_tokens, tokens

CALLED: Final = "Model generated function call(s)."
"""What the API says beside the `STOP` of an answer that calls functions (gemini.md section 2.2)."""

_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


def events_of(turn: Turn, request: Request, model: str) -> list[Event]:
    """All events of `turn` as the answer to `request`; the same for the same.

    Thoughts and output together have at most `max_output` tokens: what does not fit is not said,
    and the answer ends with `MAX_TOKENS`.  A stop sequence ends the text, and what follows it is
    not said either.
    """
    performance = _Performance(turn, request)
    if turn.block:
        end = End("", blocked=Blocked(turn.block, message=turn.message))
    else:
        end = performance.play()
    return [Begin("", model), *performance.events, Tally(performance.usage()), end]


class _Performance:
    """One turn being said.  The methods that say something tell whether it could be said whole."""

    def __init__(self, turn: Turn, request: Request) -> None:
        self.events: list[Event] = []
        self._turn, self._request = turn, request
        self._muted = _told_not_to_think(request)
        most = request.sampling.max_output
        self._left = None if most is None else max(most, 0)
        self._parts = self._output = self._thoughts = 0
        self._is_cut = False

    def play(self) -> End:
        """Says it all; how it ended."""
        turn = self._turn
        text, stopped = _until(self._request.sampling.stop, turn.text)
        calls = () if stopped else turn.calls
        signature = "" if calls else turn.signature
        whole = self._think() and self._run() and self._speak(text, signature) and self._call(calls)
        self._is_cut = stopped or not whole
        if not whole:
            return End("MAX_TOKENS")
        if stopped:
            return End("STOP")
        called = CALLED if calls and not turn.finish else ""
        return End(turn.finish or "STOP", turn.message or called)

    def usage(self) -> Usage:
        """What the script tells; where it is silent, or what it tells was not said, what counts."""
        given = self._turn.usage
        output, thoughts = given.output, given.thoughts
        if output is None or self._is_cut:
            output = self._output
        if thoughts is None or self._is_cut or self._muted:
            thoughts = self._thoughts
        prompt = prompt_tokens(self._request) if given.prompt is None else given.prompt
        return Usage(prompt=prompt, output=output, thoughts=thoughts, cached=given.cached or 0)

    def _think(self) -> bool:
        for thought in () if self._muted else self._turn.thoughts:
            said, spent = self._afford(thought)
            self._thoughts += spent
            if said:
                self._say(Thought, _WORD.findall(said))
            if said != thought:
                return False
        return True

    def _run(self) -> bool:
        for run in self._turn.code:
            if not self._say_whole(Code(code=run.code), run.code):
                return False
            if run.outcome:
                self._say_whole(CodeResult(outcome=run.outcome, output=run.output), "")
        return True

    def _speak(self, text: str, signature: str) -> bool:
        said, spent = self._afford(text)
        self._output += spent
        is_whole = said == text
        pieces = _first(self._turn.pieces, len(said)) if self._turn.pieces else _WORD.findall(said)
        if said or (signature and is_whole):
            self._say(Text, pieces, signature if is_whole else "")
        return is_whole

    def _call(self, calls: tuple[ScriptedCall, ...]) -> bool:
        signature = self._turn.signature
        for call in calls:
            args = Json(call.args.encode())
            part = Call(name=call.name, args=args, id=call.id, signature=signature)
            if not self._say_whole(part, call.name + call.args):
                return False
            signature = ""  # of parallel calls only the first has one (gemini.md section 3.1)
        return True

    def _say(self, kind: type[Text | Thought], pieces: Iterable[str], signature: str = "") -> None:
        first, *more = [*pieces] or [""]
        self.events.append(PartStart(self._parts, kind(text=first)))
        self.events += [Delta(self._parts, piece) for piece in more]
        self.events.append(PartEnd(self._parts, signature))
        self._parts += 1

    def _say_whole(self, part: Part, cost: str) -> bool:
        """Says a part that has no half, if all of `cost` can be paid for."""
        affordable, spent = self._afford(cost)
        self._output += spent
        if affordable != cost:
            return False
        self.events += [PartStart(self._parts, part), PartEnd(self._parts)]
        self._parts += 1
        return True

    def _afford(self, text: str) -> tuple[str, int]:
        """As much of `text` as the limit still lets through, and its tokens, which are spent."""
        spent = tokens(text)
        if self._left is not None:
            spent = min(spent, self._left)
            self._left -= spent
        return text[: spent * PER_TOKEN], spent


def _told_not_to_think(request: Request) -> bool:
    thinking = request.thinking
    return thinking is not None and (thinking.budget == 0 or thinking.level.upper() == "MINIMAL")


def _until(stops: Iterable[str], text: str) -> tuple[str, bool]:
    """`text` before the first stop sequence in it, and whether there is one."""
    places = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


def _first(pieces: Iterable[str], length: int) -> Iterator[str]:
    """The first `length` characters of what `pieces` spell, in the same pieces."""
    for piece in pieces:
        if length <= 0:
            return
        yield piece[:length]
        length -= len(piece)
