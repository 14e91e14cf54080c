"""One spelling for each JSON value, so that two writings of the same value compare equal.

A client that decodes a call's arguments and encodes them again may sort the keys, drop blanks,
write other escapes, `1` for `1.0`, and (JavaScript) a whole number past 2^53 as the nearest float.
"""

from typing import Final

import msgspec

from geminid.core.content import Json

_EXACT: Final = 1 << 53
_LARGEST: Final = 1 << 1023


def canonical(encoded: Json) -> bytes:
    """`encoded` with sorted keys, no blanks, and numbers as a double knows them.

    Raises:
        msgspec.DecodeError: it is not JSON.
        RecursionError: it is nested deeper than the interpreter goes.
    """
    return msgspec.json.encode(_plain(msgspec.json.decode(encoded)), order="sorted")


def _plain(value: object) -> object:
    match value:
        case bool():
            return value
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case int() if abs(value) >= _LARGEST:
            return str(value)
        case int() | float():
            double = float(value)
            return int(double) if double.is_integer() and abs(double) <= _EXACT else double
        case _:
            return value
