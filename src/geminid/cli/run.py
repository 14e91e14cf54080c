"""`geminid run`: one question, one answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from geminid.cli.options import ConfigPath, Home, Url
from geminid.cli.wishes import Wishes

if TYPE_CHECKING:
    from geminid.cli.client import Client
    from geminid.cli.stop import Exit


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the answer comes from."""

    url: Url = ""
    config: ConfigPath = ""
    home: Home = ""


Model: TypeAlias = Annotated[str, Parameter(help="Id of the model to ask")]
Words: TypeAlias = Annotated[str, Parameter(help="What to ask; - reads standard input")]

_ANY_WAY, _ANYWHERE = Wishes(), Place()


def run(model: Model, /, *text: Words, wishes: Wishes = _ANY_WAY, place: Place = _ANYWHERE) -> int:
    """Ask MODEL and print its answer as it comes.

    Asks the running server, or starts an engine for this one answer.
    Thoughts, notes and errors go to standard error.
    """
    from geminid.cli.prompt import body_of
    from geminid.cli.settings import configured, server
    from geminid.config import Boot

    body = body_of(model, text, wishes)
    boot = Boot(config_path=place.config, home=place.home)
    config = configured(boot)
    client = server(place.url, config)
    if client is not None:
        return _ask(client, model, body, wishes)
    from geminid.cli import terminal
    from geminid.cli.here import ask_here

    if not wishes.quiet:
        terminal.tell("No server runs here; starting an engine for this one answer.")
    return ask_here(boot, config, lambda client: _ask(client, model, body, wishes))


def _ask(client: "Client", model: str, body: bytes, wishes: Wishes) -> "Exit":
    from geminid.cli.answer import print_json, print_stream

    if wishes.json:
        return print_json(client, model, body)
    return print_stream(client, model, body, quiet=wishes.quiet)
