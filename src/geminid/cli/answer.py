"""An answer on its way to the terminal, and how it ended."""

import sys
import time
from collections.abc import Iterable, Iterator

from rich.status import Status

from geminid.cli import terminal
from geminid.cli.client import Client
from geminid.cli.stop import Exit, Stop
from geminid.core.content import Blob, Call, Code, CodeResult, FileRef, Part, Text, Thought
from geminid.core.errors import Fault
from geminid.core.events import Begin, Delta, End, Event, PartStart, Tally
from geminid.core.usage import Usage
from geminid.dialects.gemini.stream import ObjectDecoder, StreamDecoder

_ADVICE = {
    "MAX_TOKENS": "it came to its token limit; raise --max-tokens",
    "SAFETY": "a safety filter stopped it; word the question differently",
    "RECITATION": "it came too close to a known text; word the question differently",
    "MALFORMED_RESPONSE": "it broke its schema; ask again, or ask for less in one answer",
}


def print_json(client: Client, model: str, body: bytes) -> Exit:
    """Print the whole answer as the API gives it.  Raises `Stop`."""
    encoded = client.generate(model, body)
    terminal.write_json(encoded)
    decoder = ObjectDecoder()
    try:
        events = [*decoder.feed(encoded), *decoder.finish()]
    except Fault as fault:
        raise Stop(fault.detail) from fault
    return _told_ending(events)


def print_stream(client: Client, model: str, body: bytes, *, quiet: bool) -> Exit:
    """Print the answer as it comes: its text on standard output, the rest beside it.

    Raises:
        Stop: it failed, also in the middle; what had come is printed.
    """
    page = _Page(quiet=quiet)
    ends: list[Event] = []
    try:
        for event in _events(client.stream(model, body)):
            page.add(event)
            if isinstance(event, End):
                ends.append(event)
    except Fault as fault:
        raise Stop(fault.detail) from fault
    finally:
        page.close()
    if not quiet:
        for notice in client.notices:
            terminal.tell(f"note: {notice}")
        page.summary()
    return _told_ending(ends)


def _events(chunks: Iterable[bytes]) -> Iterator[Event]:
    decoder = StreamDecoder()
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.finish()


def _told_ending(events: Iterable[Event]) -> Exit:
    """The exit code for how the answer ended; an early end is told."""
    code = Exit.OK
    for event in events:
        if not isinstance(event, End) or event.reason == "STOP":
            continue
        if event.blocked:
            reason, why = event.blocked.reason, event.blocked.message
            what = "The prompt was blocked"
        else:
            reason, why = event.reason, event.message
            what = "The answer ended early"
        why = why or _ADVICE.get(reason, "")
        terminal.complain(f"{what} ({reason}){': ' if why else ''}{why.rstrip('.')}.")
        code = Exit.UNFINISHED
    return code


class _Page:
    """Writes the parts one after the other, each kind where it belongs."""

    def __init__(self, *, quiet: bool) -> None:
        self._began = time.monotonic()
        self._talks = not quiet and sys.stderr.isatty()
        self._wait = Status("Thinking …", console=terminal.aside()) if self._talks else None
        if self._wait and sys.stdout.isatty():
            self._wait.start()
        self._part: Part | None = None
        self._line_open = False
        self._model = ""
        self._usage: Usage | None = None

    def add(self, event: Event) -> None:
        match event:
            case Begin():
                self._model = event.model
            case PartStart():
                self._start(event.part)
            case Delta():
                self._text(event.text)
            case Tally():
                self._usage = event.usage
            case _:  # what else there is prints nothing
                return

    def close(self) -> None:
        """End the line that is open.  The page may be closed half written."""
        self._stop_waiting()
        self._end_line()

    def summary(self) -> None:
        """One quiet line for a person: who answered, how much, how fast."""
        if not self._talks or self._usage is None:
            return
        seconds = time.monotonic() - self._began
        usage = self._usage
        thoughts = f" + {usage.thoughts:,} thinking" if usage.thoughts else ""
        terminal.tell(
            f"{self._model} · {usage.prompt:,} tokens in, {usage.output:,} out{thoughts}"
            f" · {seconds:.1f} s"
        )

    def _start(self, part: Part) -> None:
        self._stop_waiting()
        if type(part) is not type(self._part):
            self._end_line()
        self._part = part
        match part:
            case Text() | Thought():
                self._text(part.text)
            case Code():
                self._text(part.code)
            case CodeResult():
                self._text(part.output)
            case Call():
                self._text(f"{part.name}({bytes(part.args).decode()})\n")
            case Blob() | FileRef():
                terminal.tell(f"[{part.mime or 'a file'}: `--json` gives its data]")
            case _:
                terminal.tell("[a part that has no text: `--json` shows it]")

    def _text(self, text: str) -> None:
        if not text:
            return
        if not isinstance(self._part, Thought):
            terminal.write(text)
            self._line_open = not text.endswith("\n")
        elif self._talks:
            terminal.aside().out(text, style="dim italic", end="")
            self._line_open = not text.endswith("\n")

    def _end_line(self) -> None:
        if not self._line_open:
            return
        self._line_open = False
        if isinstance(self._part, Thought):
            terminal.aside().out("")
        else:
            terminal.write("\n")

    def _stop_waiting(self) -> None:
        if self._wait:
            self._wait.stop()
            self._wait = None
