"""Standard output for results, standard error for everything said about them."""

import re
import sys
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough that nothing is folded when a program reads the table.
_UNFOLDED = 10_000

# C0 and C1 controls but for tab and newline: an answer must not move the cursor or set the title.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def output() -> Console:
    """Where results go.  Tables are folded to the window, and not at all for a program."""
    return _console(sys.stdout)


def aside() -> Console:
    """Where notes, progress and errors go."""
    return _console(sys.stderr)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An open table with a quiet head; the columns named in `right` hold numbers.

    The last column is folded when the window is narrow; the others keep their words whole.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        last = name == columns[-1]
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=not last,
            overflow="fold" if last else "ellipsis",
        )
    return made


def show(made: Table) -> None:
    """Print a table as the result.  A program gets no blanks at the ends of lines."""
    console = output()
    if console.is_terminal:
        console.print(made)
        return
    with console.capture() as captured:
        console.print(made)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def tell(message: str, *, style: str = "dim") -> None:
    """Say `message` on standard error, on one line of its own."""
    aside().print(Text(message, style), soft_wrap=True)


def complain(message: str) -> None:
    """Say what went wrong, each line of it by itself."""
    for line in message.splitlines():
        aside().print(Text.assemble(("geminid: ", "bold red"), line), soft_wrap=True)


def write_json(encoded: bytes) -> None:
    """Write a JSON document, indented, as the result."""
    import msgspec

    text = msgspec.json.format(encoded, indent=2).decode()
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write(text: str) -> None:
    """Write a piece of an answer at once.  At a terminal, control characters are taken out."""
    sys.stdout.write(_CONTROLS.sub("", text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def tokens(count: int | None) -> str:
    """A number of tokens as people say it: `8k`, `1M`."""
    if count is None:
        return ""
    for size, unit in ((1 << 20, "M"), (1 << 10, "k"), (1_000_000, "M"), (1_000, "k")):
        if count >= size and count % size == 0:
            return f"{count // size}{unit}"
    return f"{count:,}"


def _console(stream: TextIO) -> Console:
    is_window = stream.isatty()
    return Console(file=stream, width=None if is_window else _UNFOLDED, highlight=False)
