"""Paths that people wrote, made into files and folders.

Whatever is written, the outcome is a path or a sentence for the person who wrote it: a file that is
watched must not be able to end the server that watches it.
"""

from pathlib import Path
from stat import S_ISREG
from typing import Final

_SHOWN: Final = 200


def path_at(given: str, folder: Path | None = None) -> Path | str:
    """The path that `given` means, from `folder` (else the current one), or what is wrong with it.

    `~` and `~name` are homes, as in a shell.  The outcome is absolute if `folder` is.
    """
    if "\0" in given:
        return f"{shortened(given)} is no path; mend it"
    try:
        path = Path(given).expanduser()
    except RuntimeError:
        return (
            f"there is no home folder for {shortened(Path(given).parts[0])}; write the whole path"
        )
    try:
        return path.absolute() if folder is None else folder / path
    except OSError:
        return "the current folder is gone; write the whole path"


def file_at(given: str, folder: Path | None, advice: str) -> Path | str:
    """The file that is at `given`, as `path_at`, or a sentence that says why there is none.

    `advice` ends the sentence where nothing is there, or something that is no file.
    """
    path = path_at(given, folder)
    if isinstance(path, str):
        return path
    try:
        if S_ISREG(path.stat().st_mode):
            return path
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        return (
            f"cannot look at {shortened(path)} ({reason(error)}); mend the path or its permissions"
        )
    return f"no file at {shortened(path)}; {advice}"


def shortened(path: Path | str) -> str:
    """The path, fit for a line that people read."""
    text = str(path).replace("\0", "\\x00")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def reason(error: OSError | ValueError) -> str:
    """What the system said; a path that its encoding cannot write has no words of its own."""
    return (error.strerror if isinstance(error, OSError) else None) or "not a path here"
