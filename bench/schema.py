"""What compiling a schema costs: bounds, plan, validator, and one answer judged.

`python -m bench.schema` prints a table: CPU time of this process, the least of several rounds, and
`refused` where the schema does not pass.  The last rows are made to hurt.

bounds     `check_bounds`
plan       `plan`, bounds included
validator  `Validator`, bounds included
problem    an answer judged by it
"""

import json
import platform
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from geminid.core.content import Json
from geminid.core.errors import Fault
from geminid.core.schema import check_bounds, plan
from geminid.pipeline.validator import Validator


def shapes() -> dict[str, tuple[Any, Any]]:
    """Schemas and an answer to each."""
    person = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "full name", "maxLength": 80},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "mail": {"type": "string", "pattern": r"^[\w.+-]+@[\w-]+\.\w{2,}$"},
            "tags": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True},
        },
        "required": ["name", "age"],
    }
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["value"],
            }
        },
    }
    wide = {"type": "object", "properties": {f"p{n}": person for n in range(200)}}
    union = {"anyOf": [{**person, "title": str(n)} for n in range(100)]}
    doubled = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 10} for n in range(9)}
    pairs = [{"anyOf": [{"required": [f"{n}{m}"]} for m in range(8)]} for n in range(8)]
    alice = {"name": "Alice", "age": 30, "mail": "a@b.de", "tags": ["a", "b"]}
    return {
        "one object": (person, alice),
        "a tree": (tree, {"value": 1, "children": [{"value": 2}] * 20}),
        "200 objects": (wide, {"p0": alice, "p199": alice}),
        "union of 100": (union, alice),
        "enum of 1000": ({"enum": [f"value {n}" for n in range(1000)]}, "value 999"),
        "laughing references": ({"$ref": "#/$defs/a0", "$defs": {**doubled, "a9": {}}}, 1),
        "multiplying unions": ({"type": "object", "allOf": pairs}, {}),
        "1 MB": ({"description": "x" * 2**20}, 1),
        "20,000 values": ({"enum": list(range(20_000))}, 1),
    }


def cost(work: Callable[[], object]) -> str:
    """Microseconds of CPU, or `refused` and how long that took."""
    best, refused = float("inf"), ""
    ends = time.process_time() + 0.5
    while time.process_time() < ends:
        began = time.process_time()
        try:
            work()
        except Fault:
            refused = "refused "
        best = min(best, time.process_time() - began)
    return f"{refused}{best * 1e6:.0f}"


def main() -> None:
    """Print the table."""
    print(f"CPU µs; Python {platform.python_version()}, one core")
    columns = ("bounds", "plan", "validator", "problem")
    print(f"{'schema':22}{'bytes':>9}" + "".join(f"{name:>16}" for name in columns))
    for shape, (schema, answer) in shapes().items():
        raw, text = Json(json.dumps(schema).encode()), json.dumps(answer).encode()
        costs = [
            cost(partial(check_bounds, raw, "x")),
            cost(partial(plan, raw)),
            cost(partial(Validator, raw)),
        ]
        try:
            costs.append(cost(partial(Validator(raw).problem, text)))
        except Fault:
            costs.append("–")
        print(f"{shape:22}{len(bytes(raw)):9}" + "".join(f"{told:>16}" for told in costs))


if __name__ == "__main__":
    main()
