"""The log: readable by people or machines, tied to its request, and without secrets."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from geminid import observe
from geminid.config import Secret

GOOGLE_KEY = "AIzaSyA1234567890-234567890123456789012"


@pytest.fixture
def stream() -> Iterator[StringIO]:
    """Where the log goes in this test; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield StringIO()
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def lines(stream: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_machine_reads_one_object_per_line_with_the_happening_first(stream: StringIO) -> None:
    observe.start(stream, human=False)
    observe.logger("http").info("listening", port=7733)

    (line,) = lines(stream)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "event": "listening",
        "part": "http",
        "port": 7733,
    }


def test_a_person_reads_text_without_escapes_unless_color_is_wanted(stream: StringIO) -> None:
    observe.start(stream, human=True)
    observe.logger("http").warning("slow", seconds=1.5)
    assert "slow" in stream.getvalue()
    assert "seconds=1.5" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()

    observe.start(stream, human=True, color=True)
    observe.logger("http").warning("slow")
    assert "\x1b" in stream.getvalue()


def test_lines_within_a_request_carry_its_id(stream: StringIO) -> None:
    log = observe.logger("http")
    observe.start(stream, human=False)
    with observe.request("r-1"):
        log.info("inside")
    log.info("outside")

    assert [line.get("request_id") for line in lines(stream)] == ["r-1", None]


def test_lines_of_libraries_take_the_same_form_and_their_chatter_stays_out(
    stream: StringIO,
) -> None:
    observe.start(stream, human=False)
    library = logging.getLogger("some.library")
    library.info("chatter")
    library.error("broken: %s", f"Bearer {GOOGLE_KEY}")

    (line,) = lines(stream)
    assert (line["logger"], line["level"]) == ("some.library", "error")
    assert line["event"] == "broken: Bearer [hidden]"


def test_debug_lines_appear_only_when_asked_for(stream: StringIO) -> None:
    log = observe.logger("x")
    observe.start(stream, human=False)
    log.debug("hidden")
    observe.start(stream, human=False, level=logging.DEBUG)
    log.debug("shown")

    assert [line["event"] for line in lines(stream)] == ["shown"]


@pytest.mark.parametrize("human", [True, False])
@pytest.mark.parametrize(
    "fields",
    [
        {"key": "hush-hush"},
        {"x-goog-api-key": "hush-hush"},
        {"Authorization": "hush-hush"},
        {"headers": {"X-Api-Key": "hush-hush", "cookie": "hush-hush"}},
        {"body": "hush-hush"},
        {"chunk": b"hush-hush"},
        {"chunks": [b"hush-hush", bytearray(b"hush-hush")]},
        {"secret": Secret("hush-hush", "env:X")},
        {"thing": Secret("hush-hush", "env:X")},
        {"url": "https://x.example/v1?alt=sse&key=hush-hush&a=b"},
        {"header": "Bearer hush-hush"},
        {"note": ["upstream said: bad key sk-or-v1-hush-hush-hush"]},
        {"error": ValueError("?access_token=hush-hush")},
    ],
)
def test_secrets_and_bodies_never_get_out(
    stream: StringIO, human: bool, fields: dict[str, object]
) -> None:
    observe.start(stream, human=human)
    observe.logger("x").info("said", **fields)

    assert "said" in stream.getvalue()
    assert "hush" not in stream.getvalue()


@pytest.mark.parametrize("human", [True, False])
def test_a_traceback_is_whole_but_for_the_keys_in_it(stream: StringIO, human: bool) -> None:
    observe.start(stream, human=human)
    try:
        raise ConnectionError(f"GET /v1beta/models?key={GOOGLE_KEY}&alt=sse")
    except ConnectionError:
        observe.logger("x").exception("failed")

    assert "ConnectionError: GET /v1beta/models?key=[hidden]&alt=sse" in stream.getvalue()
    assert "test_observe.py" in stream.getvalue()
    assert GOOGLE_KEY not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "the input token count (12) exceeds the maximum",
        "gemini-3-pro-preview asked for http://127.0.0.1:7733/v1beta/models?alt=sse",
        "no bearer of news",
        "disk-space-is-short",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert observe.hide_keys(text) == text
