"""The book: what holds on disk and in memory alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from geminid.core.usage import ModalityCount, Usage
from geminid.stores.account import Book, MemoryAccount, open_book
from geminid.stores.record import Row
from tests.stores.samples import USAGE, StillClock, opening, settlement

CLOCK = StillClock()


@pytest.fixture(params=["booked", "memory"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Book]:
    if request.param == "memory":
        yield MemoryAccount()
        return
    book = open_book(tmp_path / "home", CLOCK)
    yield book
    book.close(10)


def _ask(book: Book, name: str, *, outcome: str = "ok", usage: Usage | None = USAGE) -> None:
    book.open(opening(name))
    book.settle(settlement(name, outcome=outcome, usage=usage))


def test_every_field_of_a_request_is_in_its_row(book: Book) -> None:
    """What was sent, and how it ended."""
    _ask(book, "r1")
    book.flush(10)

    assert book.recent(9) == (
        Row(
            request_id="r1",
            started=1_794_000_000.125,
            ended=1_794_000_002.25,
            first_byte=1_794_000_001.5,
            caller="team-a",
            dialect="gemini",
            model="gemini-3-pro-preview",
            channel="studio",
            engine="google",
            upstream_model="gemini-3.1-pro-preview",
            stream=True,
            outcome="ok",
            finish="STOP",
            hold_nusd=0,
            usage=USAGE,
        ),
    )


@pytest.mark.parametrize("cost", [None, 0, 41_000_000_000])
def test_what_an_upstream_charged_is_kept_and_zero_is_not_unknown(
    book: Book, cost: int | None
) -> None:
    """Nano-dollars pass 32 bits at two dollars."""
    _ask(book, "r1", usage=Usage(prompt=1, cost_nusd=cost))
    book.flush(10)

    (row,) = book.recent(1)
    assert row.usage == Usage(prompt=1, cost_nusd=cost)


def test_a_request_that_nobody_counted_has_no_usage(book: Book) -> None:
    """None, and not zeros, which would say that it was free."""
    _ask(book, "r1", outcome="stream_cut", usage=None)
    book.flush(10)

    (row,) = book.recent(1)
    assert (row.outcome, row.finish, row.usage) == ("stream_cut", "", None)


def test_details_by_modality_are_not_kept(book: Book) -> None:
    """The row has the sums."""
    _ask(book, "r1", usage=Usage(prompt=5, prompt_details=(ModalityCount("TEXT", 5),)))
    book.flush(10)

    (row,) = book.recent(1)
    assert row.usage == Usage(prompt=5)


def test_absurd_counts_of_an_upstream_do_not_stop_the_book(book: Book) -> None:
    """A number past 64 bits is capped, so its request and those after it are written."""
    book.open(opening("r1", hold=2**80))
    book.settle(settlement("r1", usage=Usage(prompt=10**30, cost_nusd=-(10**30))))
    _ask(book, "r2")
    assert book.flush(10)

    second, first = book.recent(9)
    assert second.request_id == "r2"
    assert first.hold_nusd == 2**63 - 1
    assert first.usage == Usage(prompt=2**63 - 1, cost_nusd=-(2**63 - 1))


def test_any_text_is_kept_as_it_is(book: Book) -> None:
    """Names come from callers."""
    name = "r' --\u2028\"\\\n\0ü𝄞"
    _ask(book, name)
    book.flush(10)

    assert [row.request_id for row in book.recent(9)] == [name]


def test_the_latest_started_come_first_and_no_more_than_asked(book: Book) -> None:
    """Whatever the order in which they ended; ids decide between equals."""
    for name, started in [("b", 3.0), ("d", 9.5), ("a", 3.0), ("c", 1.0)]:
        book.open(opening(name, started=started))
        book.settle(settlement(name))
    book.flush(10)

    assert [row.request_id for row in book.recent(9)] == ["d", "b", "a", "c"]
    assert [row.request_id for row in book.recent(2)] == ["d", "b"]
    assert book.recent(0) == book.recent(-1) == ()
    assert book.count() == 4


def test_a_request_in_flight_is_not_in_the_book(book: Book) -> None:
    """Rows are of requests that have ended."""
    book.open(opening("r1"))
    book.flush(10)

    assert (book.recent(9), book.count()) == ((), 0)


def test_a_request_is_settled_once(book: Book) -> None:
    """The second time, and without an opening, it is a bug and told as one."""
    _ask(book, "r1")

    with pytest.raises(LookupError, match="'r1' is not open"):
        book.settle(settlement("r1", outcome="internal"))
    with pytest.raises(LookupError, match="'r2' is not open"):
        book.settle(settlement("r2"))
    book.flush(10)

    assert [row.outcome for row in book.recent(9)] == ["ok"]


def test_a_book_in_order_has_no_problem(book: Book) -> None:
    """What `/readyz` asks."""
    _ask(book, "r1")

    assert book.flush(10)
    assert book.problem == ""


@pytest.mark.parametrize("ended", [True, False])
def test_closing_says_whether_all_is_written(tmp_path: Path, *, ended: bool) -> None:
    """A request still in flight is not."""
    books: tuple[Book, ...] = (open_book(tmp_path, CLOCK), MemoryAccount())
    for book in books:
        book.open(opening("r1"))
        if ended:
            book.settle(settlement("r1"))

        assert book.close(10) is ended


def test_memory_keeps_the_last_rows_only() -> None:
    """A server that runs for months does not grow."""
    book = MemoryAccount(kept=3)
    for number in range(10):
        _ask(book, f"r{number}")

    assert [row.request_id for row in book.recent(9)] == ["r9", "r8", "r7"]
