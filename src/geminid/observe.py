"""What the operator reads: one line per happening, on standard error.

People at a terminal get aligned text, everything else gets one JSON object per line.  Each line
carries the request's id if there is one.  Keys and bodies never get out: names that mean a secret
are blanked, and so is every text that looks like a key, in tracebacks too.
"""

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

HIDDEN = "[hidden]"

# Compared without case, dashes and underscores.
_SECRET_NAMES = frozenset(
    {
        "apikey",
        "authorization",
        "body",
        "cookie",
        "key",
        "password",
        "proxyauthorization",
        "secret",
        "setcookie",
        "token",
        "xapikey",
        "xgoogapikey",
    }
)
_KEY_SHAPES = re.compile(
    r"(?P<lead>\bbearer\s+|[?&](?:key|access_token)=)[\w.~+/%=-]{8,}"
    r"|\bauth_tokens/[\w-]+"
    r"|\bAIza[\w-]{20,}"
    r"|\b(?:sk|pk|rk|whsec)[-_][\w-]{12,}",
    re.IGNORECASE,
)
_FIRST = ("timestamp", "level", "event")


def start(stream: TextIO, *, human: bool, color: bool = False, level: int = logging.INFO) -> None:
    """Send this process's log, and that of the libraries, to `stream`.

    `human` writes aligned text instead of JSON; `level` is one of `logging`'s.  May be called
    again; the last call counts.  Without it, lines of ours go to standard output.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Processor = _human(color=color) if human else _json()
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,  # loggers made before `start` must follow it
    )
    _adopt_libraries(stream, level, before, renderer)


def logger(part: str) -> FilteringBoundLogger:
    """A logger whose lines say which `part` of the house speaks.  Costs nothing until used."""
    return cast("FilteringBoundLogger", structlog.get_logger(part=part))


def request(request_id: str) -> AbstractContextManager[None]:
    """Within this context every line, of any logger, carries `request_id`."""
    return structlog.contextvars.bound_contextvars(request_id=request_id)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank what must not be read: secrets by name, keys by shape, bytes by nature."""
    return {name: _clean(name, value) for name, value in event.items()}


def hide_keys(text: str) -> str:
    """`text` with everything that looks like a key blanked."""
    return _KEY_SHAPES.sub(lambda m: f"{m['lead'] or ''}{HIDDEN}", text)


def _clean(name: str, value: object) -> object:
    if re.sub("[-_]", "", name.lower()) in _SECRET_NAMES:
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return hide_keys(value)
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case Mapping():
            return {str(inner): _clean(str(inner), item) for inner, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean("", item) for item in value]
        case _:
            return hide_keys(str(value))


def _human(*, color: bool) -> Processor:
    # The plain formatter: the rich one would print local variables, and with them keys.
    return structlog.dev.ConsoleRenderer(
        colors=color, pad_event_to=32, exception_formatter=structlog.dev.plain_traceback
    )


def _json() -> Processor:
    encoder = msgspec.json.Encoder()

    def render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
        head = {name: event.pop(name) for name in _FIRST if name in event}
        return encoder.encode({**head, **event}).decode()

    return render


def _adopt_libraries(
    stream: TextIO, level: int, before: list[Processor], renderer: Processor
) -> None:
    """Give the lines of libraries that use `logging` the same form; their debug lines stay out."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))
