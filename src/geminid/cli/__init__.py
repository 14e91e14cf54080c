"""The `geminid` command.

Exit codes: 0 fine; 1 the answer or the command failed; 2 wrong usage or configuration; 3 the server
cannot be reached; 4 the answer ended early (a limit, a block); 130 interrupted.  For `serve`, 3 is
an address that cannot be had, 4 are missing weights and 5 is a home folder that cannot be used
(`processes.exits`).
"""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: that of this process) and return its exit code."""
    from geminid.cli.app import execute

    return execute(argv)
