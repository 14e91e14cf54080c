"""What can be wished for an answer, as options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from geminid.cli.options import Json

STDIN = "/dev/stdin"
"""What a lone `-` becomes before parsing: the parser takes every other thing with a hyphen in front
for an option."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How the answer is wanted."""

    file: Annotated[
        tuple[Path, ...], Parameter(metavar="FILE", help="File to send along; may be repeated")
    ] = ()
    system: Annotated[str, Parameter(metavar="TEXT", help="System instruction")] = ""
    max_tokens: Annotated[int | None, Parameter(metavar="N", help="Longest answer, in tokens")] = (
        None
    )
    temperature: Annotated[
        float | None, Parameter(metavar="X", help="From 0, the surest, to 2, the wildest")
    ] = None
    think: Annotated[
        str, Parameter(metavar="LEVEL", help="Think: minimal, low, medium or high")
    ] = ""
    schema: Annotated[
        Path | None, Parameter(metavar="FILE", help="JSON Schema that the answer must fit")
    ] = None
    json: Json = False
    quiet: Annotated[
        bool, Parameter(("--quiet", "-q"), help="Print the answer and nothing else")
    ] = False
