"""What the book costs a request: CPU µs of one `open` + `settle`, with and without the writer.

    python -m bench.journal [PAIRS] [FOLDER]

The first figure is what the event loop's thread spends (its own CPU clock); the second is the whole
process, so the writer thread's rows are in it.
"""

import sys
import tempfile
import time
from pathlib import Path

from geminid.core.ports import Opening, Settlement
from geminid.core.usage import Usage
from geminid.stores.account import open_book

PAIRS = 50_000
IN_FLIGHT = 64


class SystemClock:
    """The real time."""

    def now(self) -> float:
        """See `core.ports.Clock`."""
        return time.time()

    def monotonic(self) -> float:
        """See `core.ports.Clock`."""
        return time.monotonic()


def pairs(count: int) -> tuple[list[Opening], list[Settlement]]:
    """Requests as they come in practice: about 600 bytes of journal each."""
    usage = Usage(prompt=1_200, output=350, thoughts=90, cached=600)
    openings = [
        Opening(
            request_id=f"01JC{number:022d}",
            started=1_795_000_000.125 + number,
            caller="team-a",
            dialect="gemini",
            model="gemini-3-pro-preview",
            channel="studio",
            engine="google",
            upstream_model="gemini-3.1-pro-preview",
            stream=True,
        )
        for number in range(count)
    ]
    settlements = [
        Settlement(
            request_id=opening.request_id,
            outcome="ok",
            finish="STOP",
            usage=usage,
            ended=opening.started + 1.5,
            first_byte=opening.started + 0.4,
        )
        for opening in openings
    ]
    return openings, settlements


def main() -> int:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    parent = sys.argv[2] if len(sys.argv) > 2 else None
    openings, settlements = pairs(count)
    with tempfile.TemporaryDirectory(dir=parent) as home:
        book = open_book(Path(home), SystemClock())
        process, thread = time.process_time(), time.thread_time()
        for start in range(0, count, IN_FLIGHT):
            for opening in openings[start : start + IN_FLIGHT]:
                book.open(opening)
            for settlement in settlements[start : start + IN_FLIGHT]:
                book.settle(settlement)
        thread = time.thread_time() - thread
        book.flush(60)
        process = time.process_time() - process
        rows, skipped = book.count(), book.skipped
        book.close(60)
    print(f"{count} pairs, {IN_FLIGHT} in flight, {rows} rows, {skipped} past the backlog")
    print(f"open + settle, calling thread: {thread / count * 1e6:.1f} µs CPU")
    print(f"with its rows, whole process:  {process / count * 1e6:.1f} µs CPU")
    return 0 if rows == count else 1


if __name__ == "__main__":
    sys.exit(main())
