"""Keys by reference: the file names where a key is, and never holds it."""

import re
from collections.abc import Mapping
from pathlib import Path

from geminid.config.model import Secret
from geminid.config.paths import path_at, reason, shortened

# What may stand in an HTTP header; anything else would fail later and less clearly.
_VISIBLE = re.compile(r"[!-~]+")


def secret_at(reference: str, folder: Path, environ: Mapping[str, str]) -> Secret | str:
    """The key that `reference` names, or a sentence saying why there is none.

    The sentence never quotes what was read, nor a reference that may be a key by mistake.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest:
        if not environ.get(rest, "").strip():
            return f"the environment variable {rest} is not set; set it, or name another"
        return key_in(environ[rest], reference)
    if kind == "file" and rest:
        return _key_of(path_at(rest, folder), reference)
    return (
        "a key does not belong into this file;"
        ' put it into the environment and write "env:NAME", or into a file and write "file:PATH"'
    )


def _key_of(path: Path | str, reference: str) -> Secret | str:
    if isinstance(path, str):
        return path
    try:
        return key_in(path.read_bytes().decode("utf-8-sig"), reference)
    except UnicodeDecodeError:
        return f"{path} is not text; put the key alone into it"
    except (OSError, ValueError) as error:
        return f"cannot read {shortened(path)} ({reason(error)}); mend the path or its permissions"


def key_in(text: str, source: str) -> Secret | str:
    """The key in `text`, white space around it taken off, or a sentence saying what is wrong."""
    value = text.strip()
    if not value:
        return f"{source} is empty; put the key there"
    if not _VISIBLE.fullmatch(value):
        return f"{source} is not one key: it holds spaces, line ends or non-ASCII characters"
    return Secret(value, source)
