"""The line index: every key and element of a TOML text is found on the line where it stands."""

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.config.lines import KeyPath, dotted, key_lines

TEXT = '''# the top
title = "a # is no comment here" # but here it is
numbers = [ 1, # one
  2,

  [3, 4] ]
when = 1979-05-27 07:32:00
poem = """roses
are "red" and ""quoted\\""" twice"""
raw = \'\'\'two
[not.a.table]
''\'\'\'
after.the."dotted key" = { x = 1, y.z = [ { deep = true } ] }

[server]
port = 1

[[channel]]
name = "a"

  [channel.sub]
  key = 1

[[ channel ]]
"name" = "b"
[channel.sub]
key = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("numbers",), 3),
        (("numbers", 0), 3),
        (("numbers", 1), 4),
        (("numbers", 2), 6),
        (("numbers", 2, 1), 6),
        (("when",), 7),
        (("poem",), 8),
        (("raw",), 10),
        (("after", "the", "dotted key"), 13),
        (("after", "the", "dotted key", "y", "z", 0, "deep"), 13),
        (("server",), 15),
        (("server", "port"), 16),
        (("channel", 0), 18),
        (("channel", 0, "name"), 19),
        (("channel", 0, "sub", "key"), 22),
        (("channel", 1), 24),
        (("channel", 1, "name"), 25),
        (("channel", 1, "sub", "key"), 27),
    ],
)
def test_each_kind_of_key_is_found_where_it_stands(path: KeyPath, line: int) -> None:
    assert key_lines(TEXT)[path] == line


def test_windows_line_ends_count_as_one() -> None:
    assert key_lines("a = 1\r\n\r\nb = 2\r\n")[("b",)] == 3


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("channel", 1, "engine"), "channel[1].engine"),
        (("a", "two words"), "a.'two words'"),
        ((), ""),
    ],
)
def test_paths_are_shown_as_people_write_them(path: KeyPath, text: str) -> None:
    assert dotted(path) == text


SCALARS = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        "inf",
        "07:32:00",
        "1979-05-27",
        "1979-05-27 07:32:00.5",
        "1979-05-27T07:32:00Z",
        '"]}#,= \\" \\\\"',
        "'[{# \"'",
        '""',
        "''",
        '"""\n\\""" # ]\n""quoted"""""',
        "'''\n[x]\n'' ''' ",
        '"""line \\\n   on"""',
    ]
)
BLANKS = st.sampled_from(["", " ", "\t", "  # note = [1]\n", "\n", "\n\n# x\n "])


class Writer:
    """Writes TOML and notes the line of every key that it writes."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.text = ""
        self.lines: dict[KeyPath, int] = {}
        self._draw = draw
        self._names = (f"k{n}" for n in range(10_000))

    def here(self, path: KeyPath) -> None:
        self.lines.setdefault(path, 1 + self.text.count("\n"))

    def document(self) -> None:
        for _ in range(self._draw(st.integers(0, 3))):
            self.pair(())
            self.end_line()
        for _ in range(self._draw(st.integers(0, 3))):
            self.section()

    def section(self) -> None:
        name = next(self._names)
        if self._draw(st.booleans()):
            path = self.header((name,), (name,), "[", "]")
            self.pairs(path)
            return
        for index in range(self._draw(st.integers(1, 3))):
            self.here((name,))
            path = self.header((name,), (name, index), "[[", "]]")
            self.pairs(path)
            if self._draw(st.booleans()):
                inner = next(self._names)
                self.pairs(self.header((name, inner), (*path, inner), "[", "]"))

    def header(self, names: tuple[str, ...], path: KeyPath, opening: str, closing: str) -> KeyPath:
        self.here(path)
        self.text += opening + " . ".join(self.spell(name) for name in names) + closing
        self.end_line()
        return path

    def pairs(self, path: KeyPath) -> None:
        for _ in range(self._draw(st.integers(0, 3))):
            self.pair(path)
            self.end_line()

    def pair(self, path: KeyPath) -> None:
        names = [next(self._names) for _ in range(self._draw(st.integers(1, 3)))]
        for count in range(1, len(names) + 1):
            self.here((*path, *names[:count]))
        self.text += ".".join(self.spell(name) for name in names) + " = "
        self.value((*path, *names), depth=0)

    def value(self, path: KeyPath, depth: int) -> None:
        kind = "scalar" if depth > 2 else self._draw(st.sampled_from(["scalar", "array", "table"]))
        count = self._draw(st.integers(0, 3))
        if kind == "scalar":
            self.text += self._draw(SCALARS)
        elif kind == "array":
            self.text += "[" + self._draw(BLANKS)
            for index in range(count):
                self.here((*path, index))
                self.value((*path, index), depth + 1)
                last = index == count - 1
                self.text += self._draw(BLANKS) + ("" if last and count % 2 else ",")
                self.text += self._draw(BLANKS)
            self.text += "]"
        else:  # an inline table stands on one line, but for the values in it
            self.text += "{ "
            for index in range(count):
                name = next(self._names)
                self.here((*path, name))
                self.text += f"{self.spell(name)} = "
                self.value((*path, name), depth + 1)
                self.text += "" if index == count - 1 else " , "
            self.text += "}"

    def spell(self, name: str) -> str:
        return self._draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))

    def end_line(self) -> None:
        self.text += self._draw(st.sampled_from(["\n", "  # end\n", "\n\n", "\n# between\n"]))


@st.composite
def written(draw: st.DrawFn) -> Writer:
    writer = Writer(draw)
    writer.document()
    return writer


@given(written())
def test_any_layout_gives_every_key_its_line_and_nothing_else(writer: Writer) -> None:
    """The index agrees with the one who wrote the text, and with what tomllib reads."""
    lines = key_lines(writer.text)

    assert dict(lines) == writer.lines
    assert set(lines) == set(paths_of(tomllib.loads(writer.text)))


def paths_of(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_of(item, (*path, index))
