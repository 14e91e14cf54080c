"""What is wrong with a configuration: all of it at once, each with its place."""

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong.  `file` is `""` when no file is to blame, `line` 0 when no line is.

    `key` is dotted, arrays counted from 0 (`channel[1].engine`), or the option (`--host`).
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(piece for piece in (place, self.key, self.message) if piece)


class ConfigError(Exception):
    """The configuration cannot be used.  `problems` are all of them, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[Problem, ...]]]:
        return ConfigError, (self.problems,)
