"""A loop is found soon after it has begun, and only a loop is."""

import random

import pytest

from geminid.engines.loop import LONGEST, LoopWatch

# Prose whose sentences differ, made here so that no text is quoted.
WORDS = ["river", "stone", "cloud", "seven", "walk", "blue", "of", "the", "in", "and", "slowly"]


def prose(count: int, seed: int = 1) -> str:
    """`count` words that repeat each other only by chance."""
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(count))


def fed(watch: LoopWatch, text: str, size: int) -> int:
    """Characters taken until the watch barked, -1 if it did not."""
    for start in range(0, len(text), size):
        if watch.feed(text[start : start + size]):
            return start + size
    return -1


@pytest.mark.parametrize("size", [1, 4, 7, 50, 10_000])
@pytest.mark.parametrize(
    "cycle",
    ["a", "\n", "ha ", "I am sorry. ", "The cat sat on the mat and the cat sat on the rug.\n"],
)
def test_a_loop_is_found_however_it_is_sliced(cycle: str, size: int) -> None:
    begin = prose(200)
    text = begin + " " + cycle * (3000 // len(cycle))

    found = fed(LoopWatch(), text, size)

    assert len(begin) < found
    assert found <= max(len(begin) + 700, size)


def test_a_long_cycle_is_found_after_five_rounds() -> None:
    cycle = prose(60)[: LONGEST - 1] + "\n"

    found = fed(LoopWatch(), prose(50, 2) + cycle * 9, 5)

    assert found > 0
    assert found < len(prose(50, 2)) + 7 * LONGEST


@pytest.mark.parametrize(
    "text",
    [
        prose(5000),
        "-" * 200 + prose(300) + "=" * 200,
        "\n".join(f"{n}. {prose(6, n)}" for n in range(300)),
        "\n".join(f"| row {n} | yes | no | no | yes |" for n in range(200)),
        "no " * 100,
        "",
    ],
    ids=["prose", "rules", "list", "table", "hundred", "empty"],
)
def test_what_is_no_loop_is_left_alone(text: str) -> None:
    assert fed(LoopWatch(), text, 4) == -1


def test_memory_is_bounded() -> None:
    watch = LoopWatch()
    for n in range(2000):
        watch.feed(f"{n} is another number, and so it goes on. ")

    assert len(watch._tail) < 4000  # noqa: SLF001  the promise is about what it keeps


def test_a_text_that_it_is_made_to_write_is_no_loop() -> None:
    watch = LoopWatch(spared=("say " + "x" * 1000,))

    assert not any(watch.feed("x" * 50) for _ in range(20))
    assert any(watch.feed("ab" * 25) for _ in range(20))
