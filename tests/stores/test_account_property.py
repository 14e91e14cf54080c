"""Whatever happens in whatever order, each request ends with exactly one row."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from geminid.stores import db
from geminid.stores.account import BookedAccount, MemoryAccount, open_book
from geminid.stores.journal import Journal
from geminid.stores.record import UNCONFIRMED
from geminid.stores.writer import Writer
from tests.stores.samples import StillClock, journal_files, opening, settlement

CLOCK = StillClock()
OUTCOMES = st.sampled_from(["ok", "stream_cut", "caller_left"])


class Life(RuleBasedStateMachine):
    """A home through boots, crashes and stops.

    `expected` holds the outcome that each request's row must have in the end.  Small limits make
    files roll and the backlog overflow every few requests.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._home = Path(self._folder.name)
        self._expected: dict[str, str] = {}
        self._in_flight: list[str] = []
        self._asked = 0

    @initialize()
    def boot(self) -> None:
        """Replay, check every row so far, begin anew."""
        book = open_book(self._home, CLOCK)
        outcomes = {row.request_id: row.outcome for row in book.recent(10_000)}
        count = book.count()
        assert book.close(10)
        assert outcomes == self._expected
        assert count == len(outcomes)
        assert journal_files(self._home) == []

        self._engine = db.open_engine(db.database_url(self._home))
        self._journal = Journal(self._home, CLOCK)
        self._writer = Writer(self._engine, backlog=3)
        self._book = BookedAccount(self._journal, self._writer, self._engine, segment_bytes=2_500)

    @rule()
    def open(self) -> None:
        name = f"r{self._asked}"
        self._asked += 1
        self._book.open(opening(name))
        self._in_flight.append(name)

    @precondition(lambda self: self._in_flight)
    @rule(data=st.data(), outcome=OUTCOMES)
    def settle(self, data: st.DataObject, outcome: str) -> None:
        name = data.draw(st.sampled_from(self._in_flight))
        self._book.settle(settlement(name, outcome=outcome))
        self._in_flight.remove(name)
        self._expected[name] = outcome

    @rule()
    def flush(self) -> None:
        assert self._book.flush(10)
        assert self._book.count() == len(self._expected)

    @rule(torn=st.integers(min_value=0, max_value=200))
    def crash(self, torn: int) -> None:
        """Everything in memory is gone, and the last line may be in the middle."""
        self._journal.close()
        self._writer.close(0)
        self._engine.dispose()
        if torn:
            with journal_files(self._home)[-1].open("ab") as file:
                file.write(b'{"entry":"open","opening":{"request_id":"torn"'.ljust(200)[:torn])
        self._lose()
        self.boot()

    @rule()
    def stop(self) -> None:
        """A stop in good order, but with requests left."""
        assert self._book.close(10) is not bool(self._in_flight)
        self._lose()
        self.boot()

    def _lose(self) -> None:
        self._expected |= dict.fromkeys(self._in_flight, UNCONFIRMED)
        self._in_flight.clear()

    def teardown(self) -> None:
        if self._asked:
            self.crash(0)
        if hasattr(self, "_book"):
            self._book.close(10)
        self._folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.floats(min_value=0, max_value=4e9),
            OUTCOMES,
        ),
        max_size=12,
    )
)
def test_disk_and_memory_tell_the_same(asked: list[tuple[int, float, str]]) -> None:
    """Also when an id comes again, which the first keeps."""
    memory = MemoryAccount()
    with tempfile.TemporaryDirectory() as home:
        booked = open_book(Path(home), CLOCK)
        for number, started, outcome in asked:
            for book in (memory, booked):
                book.open(opening(f"r{number}", started=started))
                book.settle(settlement(f"r{number}", outcome=outcome))
        assert booked.flush(10)
        told = (booked.recent(99), booked.count())
        booked.close(10)

    assert told == (memory.recent(99), memory.count())
