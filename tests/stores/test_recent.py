"""What the vault holds in memory: never more than its bound."""

from hypothesis import given
from hypothesis import strategies as st

from geminid.stores.recent import Entry, Recent
from tests.stores.vaults import kept

PLACES = st.lists(st.sampled_from([bytes([n]) for n in range(12)]), min_size=1, max_size=4)
KEPT = st.tuples(PLACES, st.integers(0, 3_000))


def test_one_signature_at_many_places_counts_once() -> None:
    recent = Recent(100_000)
    entry = Entry(kept("A" * 60_000), 0.0)

    recent.put(entry, [bytes([n]) for n in range(100)])

    assert all(recent.get(bytes([n])) is entry for n in range(100))


def test_the_last_stays_however_large() -> None:
    recent = Recent(1_000)
    recent.put(Entry(kept("A"), 0.0), [b"small"])
    large = Entry(kept("A" * 60_000), 0.0)

    recent.put(large, [b"one", b"two"])

    assert recent.get(b"small") is None
    assert recent.get(b"one") is recent.get(b"two") is large


def test_what_was_put_over_counts_no_more() -> None:
    recent = Recent(10_000)
    recent.put(Entry(kept("A"), 0.0), [b"other"])

    for _ in range(50):
        recent.put(Entry(kept("A" * 2_000), 0.0), [b"same", b"too"])

    assert recent.get(b"other") is not None


@given(st.lists(KEPT, max_size=40), st.integers(1, 12_000))
def test_it_has_the_latest_and_stays_within_its_bound(
    puts: list[tuple[list[bytes], int]], bound: int
) -> None:
    """Whatever was put over what: each place has what was put there last, or nothing."""
    recent, last = Recent(bound), dict[bytes, Entry]()
    for places, length in puts:
        entry = Entry(kept("A" * length), 0.0)
        recent.put(entry, places)
        last.update(dict.fromkeys(places, entry))

        held = {place: found for place in last if (found := recent.get(place)) is not None}
        assert all(found is last[place] for place, found in held.items())
        assert all(held[place] is entry for place in places)
        others = {id(found): found for found in held.values() if found is not entry}
        assert sum(len(found.kept.signature) for found in others.values()) <= bound
