"""Whether a JSON value is what a schema asks for, told in one line.

jsonschema-rs does the work.  It is loaded with the first schema, not with the server (4 MB, 15 ms).
"""

import json
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema import check_bounds, overlap

if TYPE_CHECKING:
    import jsonschema_rs

_LONGEST: Final = 300
"""Characters of one problem: it goes into a prompt, a log line, an error."""

_QUOTED: Final = 60
_KEPT: Final = 256
_MOST_LOOKS: Final = 100_000
_KEPT_BYTES: Final = 8 << 20
# Inside one regular expression's automaton; jsonschema-rs allows 10 MB for each by default.
_REGEX_BYTES: Final = 1 << 20
_ESCAPED: Final = {"/": "~1", "~": "~0"}
# Registered formats that are notes here, as in draft 2020-12 and for Gemini: no grammar can make a
# model write a host that exists, and nobody should be refused an answer for one.  Left to be
# asserted are date, time, date-time and duration, which Gemini names, and uuid, email and ipv4.
_HINTS: Final = (
    *("byte", "enum", "float", "double", "int32", "int64", "password"),
    *("hostname", "idn-email", "idn-hostname", "ipv6", "iri", "iri-reference", "json-pointer"),
    *("regex", "relative-json-pointer", "uri", "uri-reference", "uri-template"),
)


class Validator:
    """One compiled schema.

    Formats are asserted where Gemini names them (date-time, date, time, duration), and for uuid,
    email and ipv4; all others are taken as notes.
    """

    def __init__(self, schema: Json, where: str = "the schema") -> None:
        """Compile `schema` (JSON Schema, draft 2020-12), which came in the field `where`.

        No reference is ever fetched, and no pattern takes more than linear time.

        Raises:
            Invalid: it is past a bound, or cannot be compiled; says why.
        """
        check_bounds(schema, where)
        self._compiled = _compile(schema, where)
        self._overlap = overlap(schema)

    def problem(self, value: bytes | Json) -> str:
        """What is wrong with the JSON text `value`: a path and a reason; `""` if nothing is.

        One problem, the first found, in at most 300 characters.  Text that is not JSON, that says
        the same name twice in one object, or that holds a number no double can, is a problem too.
        """
        try:
            tree = _decode(bytes(value))
            if self._compiled.is_valid(tree):
                return ""
            # jsonschema-rs remembers what it saw when it says yes or no, and not when it says why.
            if self._overlap ** _depth(tree) > _MOST_LOOKS:
                return "It does not fit the schema; it is nested too deep to say where."
            error = next(self._compiled.iter_errors(tree), None)
        except _NotJson as broken:
            return str(broken)
        except RecursionError:
            return "The JSON is nested too deep."
        except UnicodeEncodeError:
            return "A string holds half of a surrogate pair."
        if error is None:
            return ""
        path = "".join(f"/{_escape(str(step))}" for step in error.instance_path)
        return f"at {_shorten(path, _QUOTED) or 'the top'}: {_said(error)}"[:_LONGEST]


class Validators:
    """Compiled schemas, the latest used kept; held by whoever answers requests, in one thread."""

    def __init__(self, most: int = _KEPT, most_bytes: int = _KEPT_BYTES) -> None:
        self._most, self._most_bytes, self._bytes = most, most_bytes, 0
        self._kept: OrderedDict[bytes, Validator] = OrderedDict()

    def validator_for(self, schema: Json, where: str = "the schema") -> Validator:
        """The validator of `schema`, compiled now or before.

        Raises:
            Invalid: as `Validator`.
        """
        key = bytes(schema)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        found = self._kept[key] = Validator(schema, where)
        self._bytes += len(key)
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._bytes -= len(self._kept.popitem(last=False)[0])
        return found

    def __len__(self) -> int:
        return len(self._kept)


class _NotJson(ValueError):
    """The text is not one JSON value; says how."""


def _compile(schema: Json, where: str) -> "jsonschema_rs.Draft202012Validator":
    import jsonschema_rs  # noqa: PLC0415  a server that never meets a schema does not load it

    tree = msgspec.json.decode(schema)
    if isinstance(tree, dict):
        tree.pop("$schema", None)  # one reading for all: what a plan was made for
        tree.pop("$id", None)  # so that no reference leaves the document
    try:
        return jsonschema_rs.Draft202012Validator(
            tree,
            formats=dict.fromkeys(_HINTS, _accept),
            validate_formats=True,
            ignore_unknown_formats=True,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(
                size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES
            ),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        said = _shorten(str(error).partition("\n")[0], 200)
        raise Invalid(f"{where}: it cannot be compiled: {said}. Correct it.") from error


def _accept(_value: str) -> bool:
    return True


def _decode(text: bytes) -> object:
    # Not msgspec: of two equal names it keeps the last in silence.
    try:
        return json.loads(
            text.decode(), object_pairs_hook=_unique, parse_constant=_constant, parse_float=_float
        )
    except UnicodeDecodeError as error:
        raise _NotJson("The text is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise _NotJson(f"It is not JSON: {error.msg} at character {error.pos}.") from error
    except ValueError as error:
        if isinstance(error, _NotJson):
            raise
        raise _NotJson("A number has too many digits.") from error


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        level = below
    return depth


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise _NotJson(f"The name {_shorten(repr(twice), _QUOTED)} stands twice in one object.")
    return found


def _constant(name: str) -> NoReturn:
    raise _NotJson(f"{name} is not JSON.")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _NotJson(f"The number {_shorten(text, _QUOTED)} is too large.")
    return value


def _said(error: "jsonschema_rs.ValidationError") -> str:
    """jsonschema-rs quotes the whole value, however long; the reason stands behind it."""
    message = error.message
    if len(message) <= _LONGEST - 2 * _QUOTED:
        return message
    return f"{_shorten(message, _QUOTED)} … {message[-_QUOTED:]}"


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _escape(step: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in step)
