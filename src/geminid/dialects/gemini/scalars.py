"""The values at the leaves: strings, bytes, numbers, enums and times, as proto3 JSON takes them.

Each check gives the value in canonical form, or tells the violation and gives a stand-in, so that
the walk goes on and finds the next one.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from geminid.dialects.gemini.table import ENUMS, QUALIFIED
from geminid.dialects.gemini.violations import API, Path, Violations

Check: TypeAlias = Callable[[Violations, object, Path, int], object]
"""Takes the report, a value, where it stands, and how many levels may still open below."""

_DURATION: Final = re.compile(r"-?[0-9]+(\.[0-9]{1,9})?s")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_INT32: Final = 1 << 31
_INT64: Final = 1 << 63
_FLOAT: Final = 3.4028234663852886e38
_DOUBLE: Final = 1.7976931348623157e308


def _string(report: Violations, value: object, path: Path, _left: int) -> object:
    if type(value) is str:
        return value
    report.wrong(path, "TYPE_STRING", value)
    return ""


def _bytes(report: Violations, value: object, path: Path, _left: int) -> object:
    if type(value) is not str:
        report.wrong(path, "TYPE_BYTES", value)
        return ""
    text = base64_text(value)
    if text is None:
        report.wrong(path, "TYPE_BYTES", value, f'Base64 decoding failed for "{value[:200]}"')
        return ""
    return text


def base64_text(value: str) -> str | None:
    """`value` in standard base64 with padding, or `None` if it is not base64.

    Both alphabets are taken, padding may be missing, and white space is let out: some encoders
    break lines.
    """
    if "-" in value or "_" in value:
        value = value.translate(_URL_SAFE)
    found = _padded(value)
    return _padded("".join(value.split())) if found is None else found


def _padded(value: str) -> str | None:
    if len(value) % 4:
        value = value.rstrip("=")
        value += "=" * (-len(value) % 4)
    try:
        msgspec.convert(value, bytes)  # four times as quick as binascii, and as strict
    except msgspec.ValidationError:
        return None
    return value


def _bool(report: Violations, value: object, path: Path, _left: int) -> object:
    if type(value) is bool:
        return value
    if value in ("true", "false"):
        return value == "true"
    report.wrong(path, "TYPE_BOOL", value)
    return False


def _integer(bound: int, expected: str) -> Check:
    def check(report: Violations, value: object, path: Path, _left: int) -> object:
        number = _whole(value)
        if number is not None and -bound <= number < bound:
            return number
        report.wrong(path, expected, value)
        return 0

    return check


def _whole(value: object) -> int | None:
    if type(value) is int:
        return value
    if type(value) is str and _NUMBER.fullmatch(value):
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int else None


def _decimal(bound: float, expected: str) -> Check:
    # NaN and Infinity, which proto3 JSON has as strings, are refused: no field has a use for them,
    # and what comes after (JSON, a grammar, a price) has no way to say them.
    def check(report: Violations, value: object, path: Path, _left: int) -> object:
        number: object = value
        if type(value) is str and _NUMBER.fullmatch(value):
            number = float(value)
        if (type(number) is float or type(number) is int) and -bound <= number <= bound:
            return number
        report.wrong(path, expected, value)
        return 0

    return check


def _duration(report: Violations, value: object, path: Path, _left: int) -> object:
    if type(value) is str and _DURATION.fullmatch(value):
        return value
    why = "Illegal duration format; duration must end with 's'"
    if type(value) is str and value.endswith("s"):
        why = "Invalid duration format, failed to parse seconds"
    kind = "type.googleapis.com/google.protobuf.Duration"
    report.wrong(path, kind, value, f"Field '{path[2]}', {why}")
    return ""


def _timestamp(report: Violations, value: object, path: Path, _left: int) -> object:
    if type(value) is str and _TIMESTAMP.fullmatch(value):
        try:
            datetime.fromisoformat(value[:19])
        except ValueError:
            pass
        else:
            return value
    kind = "type.googleapis.com/google.protobuf.Timestamp"
    report.wrong(path, kind, value, f"Field '{path[2]}', Invalid time format: {str(value)[:200]}")
    return ""


def enum_check(name: str) -> Check:
    """The check of enum `name` of `table`: by name in any case, or by number."""
    values = ENUMS[name].split()
    known = {value.upper(): value for value in values}
    expected = f"{API}{QUALIFIED.get(name, name)}"

    def check(report: Violations, value: object, path: Path, _left: int) -> object:
        if type(value) is str:
            found = known.get(value) or known.get(value.upper().replace("-", "_"))
            if found is not None:
                return found
        number = _whole(value)
        if number is not None and 0 <= number < len(values):
            return values[number]
        report.wrong(path, expected, value)
        return ""

    return check


SCALARS: Final[dict[str, tuple[Check, type]]] = {
    "string": (_string, str),
    "bytes": (_bytes, type),
    "bool": (_bool, bool),
    "int32": (_integer(_INT32, "TYPE_INT32"), type),
    "int64": (_integer(_INT64, "TYPE_INT64"), type),
    "float": (_decimal(_FLOAT, "TYPE_FLOAT"), type),
    "double": (_decimal(_DOUBLE, "TYPE_DOUBLE"), float),
    "duration": (_duration, type),
    "timestamp": (_timestamp, type),
}
"""The check of each scalar type of `table`, and the Python type that needs none.

`type` stands for "no such type": nothing that JSON holds is one.
"""
