"""`geminid model`: which models there are, and the weights of those that run here."""

from typing import Annotated

from cyclopts import Parameter

from geminid.cli.options import ConfigPath, Json, Url
from geminid.cli.stop import Exit


def list_models(*, url: Url = "", config: ConfigPath = "", json: Json = False) -> int:
    """List what the server serves, or the catalog if no server runs."""
    from geminid.cli import terminal
    from geminid.cli.listing import in_catalog, served_by
    from geminid.cli.settings import configured, server, today
    from geminid.config import Boot

    client = server(url, configured(Boot(config_path=config)))
    found = served_by(client) if client else in_catalog()
    if json:
        terminal.write_json(found.json())
    else:
        terminal.show(found.table(today()))
        terminal.tell(f"{len(found.models)} models {found.told_by}")
    return Exit.OK


def show(model: str, /, *, url: Url = "", config: ConfigPath = "", json: Json = False) -> int:
    """Show one MODEL: its limits, how it thinks, until when it lives."""
    from geminid.cli import terminal
    from geminid.cli.listing import details, of_catalog, served_one
    from geminid.cli.settings import configured, server, today
    from geminid.config import Boot

    client = server(url, configured(Boot(config_path=config)))
    name = model.removeprefix("models/")
    encoded = served_one(client, name) if client else of_catalog(name)
    if json:
        terminal.write_json(encoded)
        return Exit.OK
    terminal.show(details(encoded, today()))
    for notice in client.notices if client else ():
        terminal.tell(f"note: {notice}")
    return Exit.OK


def pull(
    name: Annotated[str, Parameter(help="Name of the weights")] = "smollm2",
    /,
    *,
    config: ConfigPath = "",
) -> int:
    """Fetch the weights of a model that runs on this machine."""
    from geminid.cli import terminal
    from geminid.cli.pulling import pull, wanted
    from geminid.cli.settings import configured
    from geminid.config import Boot

    path = pull(wanted(name), configured(Boot(config_path=config)).models_dir)
    terminal.output().print(str(path), soft_wrap=True)
    return Exit.OK
