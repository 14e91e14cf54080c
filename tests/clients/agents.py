"""What the tool-loop tests of all clients share: the conversations, and where they are held.

A `Place` is a server that answers as each loop's model; behind it is a Gemini 3 that checks what
it is sent.  The functions and the script of a loop are the same for every client.
"""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from tests.fakes.gemini_agent import GeminiAgent, Turn, in_thread
from tests.fakes.gemini_rules import MISSING as MISSING
from tests.fakes.upstream import FakeUpstream
from tests.serving import Serving, serving

Called = tuple[str, dict[str, Any]]


class Loop(msgspec.Struct, frozen=True):
    """One conversation: `steps` are groups of parallel calls, each followed by their results."""

    name: str
    model: str
    asked: str
    thought: str
    steps: tuple[tuple[Called, ...], ...]
    text: tuple[str, ...]

    @property
    def calls(self) -> list[Called]:
        """Every call, in the order in which the functions must run."""
        return [call for step in self.steps for call in step]

    @property
    def told(self) -> str:
        return "".join(self.text)

    @property
    def signatures(self) -> int:
        """How many the last request of the loop must bring back: one for each step."""
        return len(self.steps)

    def turns(self) -> tuple[Turn, ...]:
        """The script; a second question is thanked for."""
        first, *rest = self.steps
        return (
            Turn(calls=first, thoughts=self.thought),
            *(Turn(calls=step) for step in rest),
            Turn(text=self.text),
            Turn(text=("You are ", "welcome.")),
        )


_FLIGHT: Called = ("check_flight", {"flight": "AA100"})
_TAXI: Called = ("book_taxi", {"time": "10 AM"})
_MAIL: Called = ("send_mail", {"to": "Åsa <asa@example.com>", "subject": '遅れ: 日本語 "12 PM" 🛫'})

TWO = Loop(
    name="two steps",
    model="gemini-3-pro-preview",
    asked="Check flight AA100 and book a taxi two hours before if it is delayed.",
    thought="First the flight.",
    steps=((_FLIGHT,), (_TAXI,)),
    text=("AA100 is delayed. ", "A taxi is booked for 10 AM."),
)
THREE = Loop(
    name="three steps",
    model="gemini-3.1-pro-preview",
    asked="Check flight AA100, book a taxi, and tell Åsa.",
    thought="Flight, taxi, mail.",
    steps=((_FLIGHT,), (_TAXI,), (_MAIL,)),
    text=("Done, ", "and Åsa knows."),
)
PARALLEL = Loop(
    name="parallel",
    model="gemini-3-flash-preview",
    asked="Check the weather in Paris, London and 東京.",
    thought="Three cities at once.",
    steps=(tuple(("check_weather", {"city": city}) for city in ("Paris", "London", "東京")),),
    text=("15C ", "everywhere."),
)
LOOPS = (TWO, THREE, PARALLEL)
CUT = Loop(
    name="cut",
    model="any-cut",
    asked="Hello?",
    thought="",
    steps=(),
    text=("The upstream closed before its answer had ended",),
)
"""No loop: the upstream closes in the middle of its first words.  `text` is what is told of it."""


class Place:
    """Where loops are held.  `agent` is the model behind the server, if it is one of ours."""

    def __init__(self, server: Serving, agent: GeminiAgent | None = None) -> None:
        self.url = server.url
        self.agent = agent
        self._server = server

    @property
    def openai(self) -> str:
        """The address as clients of OpenAI are given it."""
        return f"{self.url}/v1"

    def restart(self) -> None:
        """The server ends and begins again; what it knew of the loop is what it wrote down."""
        self._server.restart()

    def forget(self) -> None:
        """Only what comes from now on counts."""
        if self.agent is not None:
            self.agent.forget()

    def check_brought_back(self, loop: Loop) -> None:
        """The last request held every signature of the loop: the same bytes, in their order."""
        if self.agent is not None:
            assert len(self.agent.accepted) == len(loop.steps) + 1
        self.check_signed(loop.model, loop.signatures)

    def check_signed(self, model: str, count: int) -> None:
        """The last request held the first `count` signatures; none was ever refused."""
        if self.agent is None:
            return
        *_, last = self.agent.accepted
        assert self.agent.refused == []
        assert [each.data for each in last.signatures] == self.agent.issued[model][:count]
        assert len(last.signatures) == count
        for each in last.signatures:  # the alphabet is the client's to choose, the padding too
            assert base64.urlsafe_b64encode(each.data).decode().rstrip("=") == each.text.translate(
                str.maketrans("+/", "-_")
            ).rstrip("=")


@contextlib.contextmanager
def google_place(home: Path) -> Iterator[Place]:
    """A server with one `google` channel, whose upstream plays every loop."""
    agent = GeminiAgent({loop.model: loop.turns() for loop in LOOPS})
    with in_thread(FakeUpstream(answer=agent)) as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = {json.dumps([loop.model for loop in LOOPS])}\n'
        )
        with serving(home, config, FAKE_KEY="k") as server:
            yield Place(server, agent)


@contextlib.contextmanager
def script_place(home: Path) -> Iterator[Place]:
    """A server that plays every loop itself, and seals and checks the signatures itself too."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "loops.toml").write_text("\n".join(["version = 1", *map(_scripted, LOOPS)]))
    config = (
        '[[channel]]\nname = "script"\nengine = "script"\nscript = "loops.toml"\n'
        f"models = {json.dumps([loop.model for loop in LOOPS])}\n"
    )
    with serving(home, config) as server:
        yield Place(server)


@contextlib.contextmanager
def cut_place(home: Path) -> Iterator[Place]:
    """A server whose upstream breaks off, in any stream."""
    with in_thread(FakeUpstream()) as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = ["{CUT.model}"]\n'
        )
        with serving(home, config, FAKE_KEY="k") as server:
            yield Place(server)


PLACES = {"google": google_place, "script": script_place}


def _scripted(loop: Loop) -> str:
    """A loop as a `[[conversation]]`.  A JSON string is a TOML string, too."""
    lines = ["[[conversation]]", f"model = {_quoted(loop.model)}"]
    for turn in loop.turns():
        lines.append("[[conversation.turn]]")
        if turn.thoughts:
            lines.append(f"thoughts = {_quoted(turn.thoughts)}")
        if turn.text:
            lines.append(f"text = {_quoted(turn.text)}")
        lines.append(f"usage = {{ thoughts = {turn.thoughts_tokens} }}")
        for name, args in turn.calls:
            lines += ["[[conversation.turn.call]]", f"name = {_quoted(name)}"]
            lines.append(f"args_json = {_quoted(_quoted(args))}")
    return "\n".join(lines)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
