"""What reading a Gemini request costs, beside the ways that were not taken.

`python -m bench.walk` prints a table: CPU time of this process, the least of several rounds.  The
contenders are built from the same schema table, so that all know the same fields:

floor     `msgspec.json.decode` alone: any reader pays it
walk      what geminid does: the walk over the table
request   the walk, and the `core.request.Request` made from it
structs   msgspec structs, `forbid_unknown_fields`, `strict=False`
pydantic  models with both spellings as aliases, `extra="forbid"`
"""

import json
import platform
import random
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, create_model

from geminid.core.errors import Fault
from geminid.dialects.gemini.request import decode_request
from geminid.dialects.gemini.table import MESSAGES
from geminid.dialects.gemini.walk import snake, walk

ROOT = "GenerateContentRequest"
SDK = Path(__file__).parents[1] / "tests/wire/gemini/request_sdk_python/request.json"
SCALARS = {
    "string": "str", "bytes": "str", "bool": "bool", "int32": "int", "int64": "int",
    "float": "float", "double": "float", "duration": "str", "timestamp": "str",
    "json": "Any", "any": "Any", "struct": "dict[str, Any]",
}  # fmt: skip


def shapes() -> dict[str, bytes]:
    """The bodies to read."""
    words = "The quick brown fox jumps over the lazy dog. " * 23
    chance = random.Random(1)
    leaf = {"type": "STRING", "description": words[:60]}
    parameters = {"type": "OBJECT", "properties": {f"p{n}": leaf for n in range(6)}}
    tools = [
        {"name": f"f{n}", "description": words[:120], "parameters": parameters} for n in range(20)
    ]
    turns = [
        {"role": ("user", "model")[n % 2], "parts": [{"text": words[:200]}]} for n in range(100)
    ]
    hi = {"role": "user", "parts": [{"text": words[:1000]}]}
    image = {"mimeType": "image/png", "data": b64encode(chance.randbytes(2_100_000)).decode()}
    trees: dict[str, Any] = {
        "1 KB of text": {"contents": [hi]},
        "100 turns": {"contents": turns},
        "20 tools": {"contents": [hi], "tools": [{"functionDeclarations": tools}]},
        "all of the SDK": json.loads(SDK.read_text()),
        "2.8 MB image": {"contents": [{"role": "user", "parts": [{"inlineData": image}]}]},
    }
    return {name: json.dumps(tree).encode() for name, tree in trees.items()}


def annotation(kind: str) -> str:
    """A type of the table as a Python annotation."""
    if kind[0] == "[":
        return f"list[{annotation(kind[1:-1])}]"
    if kind[0] == "{":
        return f"dict[str, {annotation(kind[1:-1])}]"
    return "str" if kind[0] == "@" else SCALARS.get(kind, kind)


def fields(message: str) -> list[tuple[str, str]]:
    """Names and annotations of a message's fields."""
    entries = [entry.partition(":") for entry in MESSAGES[message].split()]
    return [(name, f"{annotation(kind)} | None") for name, _, kind in entries]


def structs() -> Callable[[bytes], object]:
    """The table as msgspec structs."""
    home = ModuleType("bench_structs")
    home.__dict__["Any"] = Any
    sys.modules[home.__name__] = home
    for message in MESSAGES:
        made = [(name, kind, None) for name, kind in fields(message)]
        found = msgspec.defstruct(message, made, forbid_unknown_fields=True, module=home.__name__)
        setattr(home, message, found)
    return msgspec.json.Decoder(getattr(home, ROOT), strict=False).decode


def models() -> Callable[[bytes], object]:
    """The table as pydantic models."""
    config = ConfigDict(extra="forbid")
    home: dict[str, Any] = {"Any": Any}
    for message in MESSAGES:
        made: dict[str, Any] = {
            f"field_{number}": (
                kind,
                Field(None, validation_alias=AliasChoices(name, snake(name))),
            )
            for number, (name, kind) in enumerate(fields(message))
        }
        home[message] = create_model(message, __config__=config, **made)
    found: dict[str, type[BaseModel]] = {name: home[name] for name in MESSAGES}
    for each in found.values():
        each.model_rebuild(_types_namespace=home)
    return found[ROOT].model_validate_json


def cost(read: Callable[[bytes], object], body: bytes) -> float | None:
    """Microseconds of CPU, or `None` if `read` refuses the body."""
    try:
        read(body)
    except (Fault, msgspec.ValidationError, ValidationError):
        return None
    times = max(3, 2_000_000 // len(body))
    best = float("inf")
    for _ in range(9):
        began = time.process_time()
        for _ in range(times):
            read(body)
        best = min(best, (time.process_time() - began) / times)
    return best * 1e6


def main() -> None:
    """Print the table."""
    readers: dict[str, Callable[[bytes], object]] = {
        "floor": msgspec.json.decode,
        "walk": lambda body: walk(ROOT, body),
        "request": lambda body: decode_request(body, "m"),
        "structs": structs(),
        "pydantic": models(),
    }
    versions = f"Python {platform.python_version()}, msgspec {msgspec.__version__}"
    print(f"CPU µs, and µs per KB; {versions}, one core")
    print(f"{'body':15}{'bytes':>9}" + "".join(f"{name:>18}" for name in readers))
    for shape, body in shapes().items():
        line = f"{shape:15}{len(body):9}"
        for read in readers.values():
            found = cost(read, body)
            told = "refused" if found is None else f"{found:.1f} {found / len(body) * 1000:6.2f}"
            line += f"{told:>18}"
        print(line)


if __name__ == "__main__":
    main()
