"""The commands and their words; what they do is loaded when one of them runs."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from geminid import __version__
from geminid.cli import doctor, models, run, serve, terminal
from geminid.cli.stop import Exit, Stop
from geminid.cli.wishes import STDIN

_CODES = "Exit codes: 0 fine · 1 failed · 2 wrong usage or configuration · 3 no server"
_SERVE_CODES = (
    "Exit codes: 0 stopped · 1 it kept dying · 2 configuration · 3 address · 4 no weights"
    " · 5 home folder"
)
_RUN_CODES = "Exit codes: 0 answered · 1 failed · 2 usage · 3 no server · 4 ended early"


def execute(argv: Sequence[str] | None) -> int:
    """Run one command line.  Every way a command can end becomes an exit code here."""
    typed = sys.argv[1:] if argv is None else argv
    arguments = [STDIN if word == "-" else word for word in typed]
    try:
        code = build()(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except CycloptsError as error:
        terminal.complain(f"{' '.join(str(error).split())} See `geminid --help`.")
        return Exit.USAGE
    except Stop as stop:
        terminal.complain(stop.message)
        return stop.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough; nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    return int(code or Exit.OK)


def build() -> App:
    """The command line, ready to be called."""
    app = App(
        name="geminid",
        help="Gemini 3's API, self-hosted: one server, any client, any engine.",
        help_epilogue=_CODES,
        help_format="plaintext",
        version=f"geminid {__version__}",
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(show_default=False, negative=()),
    )
    model = App(name="model", help="List, show and fetch models.", sort_key=3)
    model.command(models.list_models, name="list", sort_key=1)
    model.command(models.show, name="show", sort_key=2)
    model.command(models.pull, name="pull", sort_key=3)
    app.command(serve.serve, sort_key=1, help_epilogue=_SERVE_CODES)
    app.command(
        run.run,
        sort_key=2,
        usage="Usage: geminid run [OPTIONS] MODEL [TEXT ... | -]",
        help_epilogue=_RUN_CODES,
    )
    app.command(model)
    app.command(doctor.doctor, sort_key=4)
    return app
