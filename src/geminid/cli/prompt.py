"""From the words and files on the command line to one request."""

import base64
import math
import mimetypes
import sys
from pathlib import Path

import msgspec

from geminid.cli.stop import Exit, Stop
from geminid.cli.wishes import STDIN, Wishes
from geminid.core.content import Blob, Content, Json, Part, Text
from geminid.core.request import OutputFormat, Request, Sampling, Thinking
from geminid.dialects.gemini.request import encode_request

# Kinds that are text whatever their name says; everything under text/ is.
_TEXT_TYPES = ("application/json", "application/xml", "application/javascript", "application/toml")

_LEVELS = ("minimal", "low", "medium", "high")


def body_of(model: str, words: tuple[str, ...], wishes: Wishes) -> bytes:
    """The `generateContent` body.  `words` of just `STDIN` mean standard input.

    Raises:
        Stop: nothing was asked, a file cannot be used, or a wish makes no sense.
    """
    _check(wishes)
    parts: list[Part] = [_file_part(path) for path in wishes.file]
    if text := _words(words, optional=bool(parts)):
        parts.append(Text(text=text))
    if not parts:
        raise Stop("Nothing was asked; give a text, a file, or - for standard input.", Exit.USAGE)
    request = Request(
        model=model,
        contents=(Content("user", tuple(parts)),),
        system=(Text(text=wishes.system),) if wishes.system else (),
        sampling=Sampling(temperature=wishes.temperature, max_output=wishes.max_tokens),
        output=_format(wishes.schema),
        thinking=Thinking(level=wishes.think.upper(), include=True) if wishes.think else None,
    )
    return encode_request(request)


def _check(wishes: Wishes) -> None:
    """Refuses what the request cannot carry, and what no engine knows."""
    if wishes.temperature is not None and not math.isfinite(wishes.temperature):
        told = f"--temperature takes a number, not {wishes.temperature}; give one from 0 to 2."
        raise Stop(told, Exit.USAGE)
    if wishes.think and wishes.think.lower() not in _LEVELS:
        told = f"--think knows no level {wishes.think}; take one of {', '.join(_LEVELS)}."
        raise Stop(told, Exit.USAGE)


def _words(words: tuple[str, ...], *, optional: bool) -> str:
    """The prompt; from standard input if that is said, or if nothing is said and it is a pipe."""
    if words != (STDIN,) and (words or optional or sys.stdin.isatty()):
        return " ".join(words)
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise Stop("Standard input is not text; give it with --file.", Exit.USAGE) from error


def _file_part(path: Path) -> Part:
    data = _bytes(path)
    mime = mimetypes.guess_type(path.name)[0] or ""
    if mime.startswith("text/") or mime in _TEXT_TYPES or not mime:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise Stop(
                f"What {path} holds cannot be told from its name; end it in .png, .pdf, .mp3, …",
                Exit.USAGE,
            ) from error
        return Text(text=f"{path.name}:\n```\n{text.rstrip()}\n```\n")
    return Blob(mime=mime, data=base64.b64encode(data).decode())


def _format(schema: Path | None) -> OutputFormat | None:
    if schema is None:
        return None
    text = _bytes(schema)
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Stop(f"{schema} is not a JSON Schema ({error}); mend it.", Exit.USAGE) from error
    return OutputFormat("application/json", Json(text), json_schema=True)


def _bytes(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except (OSError, RuntimeError, ValueError) as error:  # also for ~nobody, and for a NUL in it
        why = error.strerror if isinstance(error, OSError) else error
        raise Stop(f"Cannot read {path} ({why}); check the path.", Exit.USAGE) from error
