"""How a command ends when it cannot go on: one line for the person, one code for the script."""

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code of every command means."""

    OK = 0
    FAILED = 1
    """The answer failed, or the command could not do its work."""
    USAGE = 2
    """The command line or the configuration is wrong."""
    UNREACHABLE = 3
    """The server that was named does not answer."""
    UNFINISHED = 4
    """There is an answer, but it ended early: a limit, a filter, a blocked prompt."""
    INTERRUPTED = 130


class Stop(Exception):
    """Ends the command with `code`; each line of `message` says what happened, then what to do."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message, self.code = message, code
