"""One spelling for each JSON value: what a client's re-encoding may change does not matter."""

import json

import msgspec
import pytest
from hypothesis import given

from geminid.core.canonical import canonical
from geminid.core.content import Json
from tests import strategies


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"b": 1, "a": [2.0, -0.0]}', b'{"a":[2,0],"b":1.0}'),
        (b'{"n": 12345678901234567890}', b'{"n": 12345678901234567000}'),
        ('{"t": "\\u00e9\\/ü"}'.encode(), '{"t":"é/\\u00fc"}'.encode()),
        (b"1e21", b"1000000000000000000000"),
        (b"9007199254740993", b"9007199254740992"),  # 2^53 + 1, as JavaScript knows it
        (b"-9007199254740993", b"-9007199254740992.0"),
    ],
)
def test_the_same_value_is_written_the_same(one: bytes, other: bytes) -> None:
    assert canonical(Json(one)) == canonical(Json(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(b"1", b"true"), (b"0", b"null"), (b'"1"', b"1"), (b"[1,2]", b"[2,1]"), (b"1.5", b"1")],
)
def test_other_values_are_not(one: bytes, other: bytes) -> None:
    assert canonical(Json(one)) != canonical(Json(other))


@given(strategies.objects)
def test_python_s_own_encoding_is_the_same_value(value: Json) -> None:
    """What an SDK does between one request and the next."""
    again = json.dumps(json.loads(bytes(value)), indent=1).encode()

    assert canonical(Json(again)) == canonical(value)
    assert canonical(Json(canonical(value))) == canonical(value)


def test_a_number_of_a_thousand_digits_is_a_value_too() -> None:
    assert canonical(Json(b"9" * 1000)) != canonical(Json(b"9" * 999))
    with pytest.raises(msgspec.DecodeError):
        canonical(Json(b"{"))
