"""The exit codes of `geminid serve`, and how its start fails."""

from enum import IntEnum


class Exit(IntEnum):
    """What an exit code means; in the reference, so a number never changes its meaning."""

    STOPPED = 0  # as asked: SIGTERM, SIGINT, the terminal closed
    SERVER_DIES = 1  # a serving process died again and again right after its start
    CONFIG = 2  # the configuration cannot be used
    ADDRESS = 3  # the address cannot be listened on: taken, not ours, not allowed
    WEIGHTS = 4  # the only channel is a local model, and its weights cannot be had
    STATE = 5  # the home folder cannot be used
    INTERRUPTED = 130  # stopped before it served


class StartFailed(Exception):
    """The start cannot go on.  `detail` is one line for the person at the terminal."""

    def __init__(self, code: Exit, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail
