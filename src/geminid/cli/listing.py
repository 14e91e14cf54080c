"""Models as a server lists them, or as the catalog does when no server runs."""

from datetime import date
from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import quote

import msgspec
from rich.table import Table
from rich.text import Text

from geminid import catalog as catalogs
from geminid.catalog import Model
from geminid.cli import terminal
from geminid.cli.client import Client
from geminid.cli.stop import Stop
from geminid.dialects.gemini.models import write_model

T = TypeVar("T")


class Served(msgspec.Struct, rename="camel"):
    """What the commands read of the API's `Model`; the rest stays in the JSON."""

    name: str
    display_name: str = ""
    description: str = ""
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name without `models/`."""
        return self.name.removeprefix("models/")


class _Page(msgspec.Struct, rename="camel"):
    models: tuple[msgspec.Raw, ...] = ()
    next_page_token: str = ""


class Listing(msgspec.Struct, frozen=True):
    """Models in the API's own JSON, and who told of them."""

    models: tuple[msgspec.Raw, ...]
    told_by: str

    def json(self) -> bytes:
        """The list as the API would give it on one page."""
        return msgspec.json.encode({"models": self.models})

    def table(self, today: date) -> Table:
        """The list for a person; `today` decides what is retired."""
        table = terminal.table("Model", "In", "Out", "Note", right=("In", "Out"))
        known = catalogs.load()
        for encoded in self.models:
            model = _decoded(encoded, Served)
            facts = known.get(model.id)
            table.add_row(
                Text(model.id, "bold"),
                terminal.tokens(model.input_token_limit),
                terminal.tokens(model.output_token_limit),
                Text(_note(facts, today), "dim") if facts else "",
            )
        return table


def served_by(client: Client) -> Listing:
    """What the server of `client` serves, all pages of it.  Raises `Stop`."""
    models: list[msgspec.Raw] = []
    token = ""
    while True:
        path = f"/v1beta/models?pageSize=1000{f'&pageToken={token}' if token else ''}"
        page = _decoded(client.get(path), _Page)
        models += page.models
        token = page.next_page_token
        if not token:
            return Listing(tuple(models), f"served by {client.url}")


def in_catalog() -> Listing:
    """What the catalog knows."""
    models = catalogs.load().models
    return Listing(
        tuple(msgspec.Raw(_encoded(model)) for model in models),
        "in the catalog (no server is running)",
    )


def served_one(client: Client, name: str) -> bytes:
    """The server's own entry for the model.  Raises `Stop`."""
    encoded = client.get(f"/v1beta/models/{quote(name)}")
    _decoded(encoded, Served)
    return encoded


def details(encoded: bytes, today: date) -> Table:
    """One model for a person: what the server says, and what the catalog knows beyond that."""
    model = _decoded(encoded, Served)
    facts = catalogs.load().get(model.id)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    rows = {
        "Model": model.id,
        "Name": model.display_name,
        "About": model.description,
        "Input": _limit(model.input_token_limit),
        "Output": _limit(model.output_token_limit),
        "Methods": ", ".join(model.supported_generation_methods),
        **(_facts(facts, today) if facts else {}),
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(value))
    return table


def of_catalog(name: str) -> bytes:
    """The catalog's entry for `name`.

    Raises:
        Stop: there is none.
    """
    known = catalogs.load()
    model = known.get(name)
    if model is None:
        near = get_close_matches(name.removeprefix("models/"), known.names, n=1)
        advice = f"did you mean {near[0]}?" if near else "see `geminid model list`."
        raise Stop(f"The catalog has no model {name}; {advice}")
    return _encoded(model)


def _encoded(model: Model) -> bytes:
    return msgspec.json.encode(write_model(model.id, model, methods=model.methods))


def _decoded(encoded: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(encoded, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Stop("What answers there does not speak the Gemini API; check --url.") from error


def _note(facts: Model, today: date) -> str:
    if facts.retired_by(today):
        return f"retired → {facts.successor}" if facts.successor else "retired"
    if facts.kind != "text":
        return {"image": "makes images", "embedding": "embeddings"}[facts.kind]
    return f"thinks {', '.join(facts.thinking_levels)}" if facts.thinking_levels else ""


def _facts(facts: Model, today: date) -> dict[str, str]:
    levels = ", ".join(
        f"{level} (default)" if level == facts.default_level else level
        for level in facts.thinking_levels
    )
    retired = f"{facts.retired}" if facts.retired else ""
    if facts.successor:
        retired += f"; {facts.successor} answers" if facts.retired_by(today) else ""
    unsure = f"; not sure: {', '.join(facts.unsure)}" if facts.unsure else ""
    return {
        "Thinking": levels or ("yes" if facts.thinking else "no"),
        "Released": f"{facts.released}" if facts.released else "",
        "Retired" if facts.retired_by(today) else "Retires": retired,
        "Aliases": ", ".join(facts.aliases),
        "Source": f"{facts.source}; checked {facts.checked}{unsure}",
    }


def _limit(tokens: int | None) -> str:
    return f"{tokens:,} tokens" if tokens else ""
