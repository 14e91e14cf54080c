"""Whether a JSON value is what a schema asks for, told in one line.

jsonschema-rs does the work.  It is loaded with the first schema, not with the server (4 MB, 15 ms).
"""

import json
import re
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid
from geminid.core.schema import Looks, Refs, check_bounds
from geminid.core.schema.refs import walk

if TYPE_CHECKING:
    import jsonschema_rs

_LONGEST: Final = 300
"""Characters of one problem: it goes into a prompt, a log line, an error."""

_QUOTED: Final = 60
_KEPT: Final = 256
_KEPT_BYTES: Final = 64 << 20
_PER_BYTE: Final = 16  # bytes of memory that one byte of a schema becomes, at most about
# Looks at values to say yes or no: some 20 ns each, 200 at worst.
_MOST_LOOKS: Final = 5_000_000
# To say why, jsonschema-rs forgets what it saw, and copies the value for each branch that fails.
_MOST_TO_SAY: Final = 500_000
_MOST_COPIED: Final = 4_000_000
# Inside one regular expression's automaton (jsonschema-rs allows 10 MB), and in all of a schema.
_REGEX_BYTES: Final = 1 << 20
_ALL_REGEX_BYTES: Final = 16 << 20
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
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
        tree = msgspec.json.decode(schema)
        patterns = _patterns(tree)
        each = min(_REGEX_BYTES, _ALL_REGEX_BYTES // max(1, patterns))
        self.weight = len(bytes(schema)) * _PER_BYTE + patterns * each
        """Bytes of memory that it takes, at most about."""
        self._looks = Looks(tree, Refs(tree))
        self._at_most = self._looks.remembering()
        self._compiled = _compile(tree, where, each)

    def problem(self, value: bytes | Json) -> str:
        """What is wrong with the JSON text `value`: a path and a reason; `""` if nothing is.

        One problem, the first found, in at most 300 characters.  Text that is not JSON, that says
        the same name twice in one object, that holds a number no double can or half a surrogate
        pair, is a problem too; and so is a value too large or too deep to be judged in bounded
        time, where the schema lets one value be looked at in many ways.
        """
        text = bytes(value)
        try:
            tree = _decode(text)
            sizes = _sizes(tree)
            if not self._judges(sizes):
                return "It is too large, or nested too deep, to be judged by this schema."
            if self._compiled.is_valid(tree):
                return ""
            if not self._explains(sizes, len(text)):
                return "It does not fit the schema; it is too large to say where."
            self._compiled.validate(tree)
        except _NotJson as broken:
            return str(broken)
        except RecursionError:
            return "The JSON is nested too deep."
        except UnicodeEncodeError:
            return "A string holds half of a surrogate pair."
        except ValueError as error:
            return _told(error)
        return ""

    def _judges(self, sizes: list[int]) -> bool:
        """Whether it takes bounded time to say yes or no of a value of these `sizes`."""
        if self._at_most * sum(sizes) <= _MOST_LOOKS:
            return True
        return self._looks.forgetting(sizes, _MOST_LOOKS) <= _MOST_LOOKS

    def _explains(self, sizes: list[int], length: int) -> bool:
        """Whether it takes bounded time to say why."""
        once = self._looks.forgetting([1] * len(sizes), _MOST_COPIED)
        if once * length > _MOST_COPIED:
            return False
        return self._looks.forgetting(sizes, _MOST_TO_SAY) <= _MOST_TO_SAY


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
        self._bytes += found.weight
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._kept.popitem(last=False)[1].weight
        return found

    def __len__(self) -> int:
        return len(self._kept)


class _NotJson(ValueError):
    """The text is not one JSON value; says how."""


def _patterns(tree: object) -> int:
    """How many different regular expressions stand in it."""
    found: set[str] = set()
    for _, schema in walk(tree):
        if isinstance(schema, dict):
            named = schema.get("patternProperties")
            found.update(named if isinstance(named, dict) else ())
            found.update(filter(None, [schema.get("pattern")]))
    return len(found)


def _compile(
    tree: dict[str, Any] | bool,  # noqa: FBT001  `true` is a schema
    where: str,
    regex_bytes: int,
) -> "jsonschema_rs.Draft202012Validator":
    import jsonschema_rs  # noqa: PLC0415  a server that never meets a schema does not load it

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
                size_limit=regex_bytes, dfa_size_limit=regex_bytes
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
        tree = json.loads(
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
    if _HALF.search(text):  # jsonschema-rs meets only what the schema speaks of
        json.dumps(tree, ensure_ascii=False).encode()
    return tree


def _sizes(value: object) -> list[int]:
    """How many values stand at each depth."""
    found: list[int] = []
    level = [value]
    while level:
        found.append(len(level))
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        level = below
    return found


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


def _told(error: ValueError) -> str:
    """Where and why, of what jsonschema-rs raised."""
    import jsonschema_rs  # noqa: PLC0415  as in `_compile`

    if not isinstance(error, jsonschema_rs.ValidationError):
        raise error
    path = "".join(f"/{_escape(str(step))}" for step in error.instance_path)
    return f"at {_shorten(path, _QUOTED) or 'the top'}: {_said(error.message)}"[:_LONGEST]


def _said(message: str) -> str:
    """jsonschema-rs quotes the whole value, however long; the reason stands behind it."""
    if len(message) <= _LONGEST - 2 * _QUOTED:
        return message
    return f"{_shorten(message, _QUOTED)} … {message[-_QUOTED:]}"


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _escape(step: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in step)
