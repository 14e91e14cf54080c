"""What the tests of the stores share: a clock, requests, and a wait with a deadline."""

import time
from collections.abc import Callable
from pathlib import Path

from geminid.core.ports import Opening, Settlement
from geminid.core.usage import Usage
from geminid.stores.record import Record

ROOT = Path(__file__).parents[2]
USAGE = Usage(prompt=12, output=7, thoughts=3, cached=4, tool_use=1, service_tier="standard")


class StillClock:
    """A clock that shows `at` until told otherwise."""

    def __init__(self, at: float = 1_795_000_000.5) -> None:
        self.at = at

    def now(self) -> float:
        """See `core.ports.Clock`."""
        return self.at

    def monotonic(self) -> float:
        """See `core.ports.Clock`."""
        return self.at


def opening(request_id: str, *, started: float = 1_794_000_000.125, hold: int = 0) -> Opening:
    """A request as it is sent."""
    return Opening(
        request_id=request_id,
        started=started,
        caller="team-a",
        dialect="gemini",
        model="gemini-3-pro-preview",
        channel="studio",
        engine="google",
        upstream_model="gemini-3.1-pro-preview",
        stream=True,
        hold_nusd=hold,
    )


def settlement(request_id: str, *, outcome: str = "ok", usage: Usage | None = USAGE) -> Settlement:
    """How it ended."""
    return Settlement(
        request_id=request_id,
        outcome=outcome,
        finish="STOP" if outcome == "ok" else "",
        usage=usage,
        ended=1_794_000_002.25,
        first_byte=1_794_000_001.5,
    )


def record(request_id: str, *, outcome: str = "ok", usage: Usage | None = USAGE) -> Record:
    """Both halves of one request."""
    return Record(opening(request_id), settlement(request_id, outcome=outcome, usage=usage))


def journal_files(home: Path) -> list[Path]:
    """The journal files of `home`, oldest first."""
    return sorted((home / "journal").glob("*.jsonl"))


def eventually(condition: Callable[[], object], *, within: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it never does."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.005)
