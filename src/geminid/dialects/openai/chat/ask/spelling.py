"""The spellings of a model's name that callers of this dialect use."""

from typing import Final

SUFFIXES: Final = ("free", "nitro", "floor", "online", "thinking")
"""What OpenRouter's names may end with, behind a colon."""

_PREFIXES: Final = ("~", "google/", "models/")


def names_of(name: str) -> tuple[str, ...]:
    """The spellings to look `name` up by, in order: as it is, plain, and without its suffix."""
    suffix = suffix_of(name)
    bare = name.removesuffix(f":{suffix}") if suffix else name
    spellings = (name, _plain(name), bare, _plain(bare))
    return tuple(dict.fromkeys(filter(None, spellings)))


def suffix_of(name: str) -> str:
    """The suffix of a name, one of `SUFFIXES`, or `""`."""
    suffix = name.rpartition(":")[2]
    return suffix if suffix in SUFFIXES and suffix != name else ""


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
