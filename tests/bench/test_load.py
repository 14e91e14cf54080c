"""What wrk is told, and what it says."""

import pytest

from bench.load import Tally, checked, lua, tally
from bench.problem import Invalid
from bench.wire import Call

LINE = (
    '{"requests":10,"bytes":7000,"us":1000000,'
    '"status":0,"connect":0,"read":0,"write":0,"timeout":0}'
)


def test_the_tally_is_found_in_what_wrk_prints() -> None:
    """It comes after wrk's own lines."""
    assert tally(f"Running 1s test\n  10 requests in 1.00s\n{LINE}\n").requests == 10


def test_output_without_a_tally_is_invalid() -> None:
    """A script that failed must not read as no requests."""
    with pytest.raises(Invalid, match="unable to connect"):
        tally("unable to connect to 127.0.0.1:1 Connection refused")


@pytest.mark.parametrize("wrong", ["status", "connect", "read", "write", "timeout"])
def test_one_bad_answer_makes_the_window_invalid(wrong: str) -> None:
    """Whoever answers an error fast is not fast."""
    line = LINE.replace(f'"{wrong}":0', f'"{wrong}":3')

    with pytest.raises(Invalid, match="3 "):
        checked(tally(line))


def test_no_answer_at_all_is_invalid() -> None:
    """Nothing divided by nothing is no figure."""
    with pytest.raises(Invalid, match="no answer"):
        checked(Tally(0, 0, 1_000_000, 0, 0, 0, 0, 0))


def test_a_good_window_passes() -> None:
    """And is given on."""
    assert checked(tally(LINE)).bytes == 7000


def test_the_script_quotes_what_it_sends() -> None:
    """A prompt may hold quotes, backslashes and line ends."""
    script = lua(Call("/x", (("x-key", "a"),), b'{"a": "b\\n"}\r\n'))

    assert 'wrk.body = "{\\"a\\": \\"b\\\\n\\"}\\r\\n"' in script
    assert 'wrk.headers["x-key"] = "a"' in script
