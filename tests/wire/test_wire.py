"""Golden pairs: bytes on the wire beside the values they are, for each dialect (README.md)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from geminid.core.events import Event
from geminid.core.fold import Answer, fold
from geminid.core.request import Request
from geminid.dialects.gemini.request import decode_request, encode_request
from geminid.dialects.gemini.response import ObjectEncoder, SSEFraming, encode_answer
from geminid.dialects.gemini.stream import ObjectDecoder, StreamDecoder

ROOT = Path(__file__).parent
MODEL = "gemini-3-pro-preview"


@dataclass(frozen=True)
class Codec:
    """A dialect both ways.  `read_stream` takes a stream in pieces."""

    read_request: Callable[[bytes], Request]
    write_request: Callable[[Request], bytes]
    read_stream: Callable[[Sequence[bytes]], list[Event]]
    write_stream: Callable[[Sequence[Event]], bytes]
    read_reply: Callable[[bytes], list[Event]]
    write_reply: Callable[[Answer], bytes]


def _gemini_stream(pieces: Sequence[bytes]) -> list[Event]:
    decoder = StreamDecoder()
    return [*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()]


def _gemini_wire(events: Sequence[Event]) -> bytes:
    encoder, framing = ObjectEncoder(), SSEFraming()
    told = [framing.frame(found) for event in events for found in encoder.add(event)]
    return b"".join([*told, framing.close()])


def _gemini_reply(body: bytes) -> list[Event]:
    decoder = ObjectDecoder()
    return decoder.feed(body) + decoder.finish()


CODECS = {
    "gemini": Codec(
        lambda body: decode_request(body, MODEL),
        encode_request,
        _gemini_stream,
        _gemini_wire,
        _gemini_reply,
        encode_answer,
    )
}


def cases(*names: str) -> list[Path]:
    """The folders that hold all of these files."""
    folders = sorted(path.parent for path in ROOT.glob(f"*/*/{names[0]}"))
    return [path for path in folders if all((path / name).exists() for name in names)]


def of(path: Path) -> Codec:
    """The codec of a case."""
    return CODECS[path.parent.name]


def plain(value: object) -> object:
    """Values as plain JSON: what is compared, so that white space in a file does not count."""
    return msgspec.json.decode(msgspec.json.encode(value))


def held(path: Path) -> object:
    """The JSON in a file."""
    return msgspec.json.decode(path.read_bytes())


def label(path: Path) -> str:
    return f"{path.parent.name}-{path.name}"


def test_there_are_cases_and_each_file_is_of_a_known_kind() -> None:
    """A misspelt name would check nothing, and look green."""
    kinds = {"request.json", "decoded.json", "encoded.json", "reply.sse", "reply.json"}
    found = list(ROOT.glob("*/*/*"))

    assert {path.parent.parent.name for path in found} == CODECS.keys()
    assert {path.name for path in found} == kinds | {"events.json"}
    assert len(cases("reply.sse")) >= 9


@pytest.mark.parametrize("path", cases("request.json"), ids=label)
def test_a_request_is_read(path: Path) -> None:
    request = of(path).read_request((path / "request.json").read_bytes())

    assert plain(request) == held(path / "decoded.json")


@pytest.mark.parametrize("path", cases("encoded.json"), ids=label)
def test_a_request_is_written_in_canonical_spelling(path: Path) -> None:
    codec = of(path)
    encoded = (path / "encoded.json").read_bytes().rstrip(b"\n")

    assert codec.write_request(codec.read_request((path / "request.json").read_bytes())) == encoded
    assert codec.write_request(codec.read_request(encoded)) == encoded


@pytest.mark.parametrize("path", cases("reply.sse"), ids=label)
def test_a_stream_is_read_however_it_is_cut(path: Path) -> None:
    read, wire = of(path).read_stream, (path / "reply.sse").read_bytes()
    events = read([wire])

    assert plain(events) == held(path / "events.json")
    assert read([wire[at : at + 1] for at in range(len(wire))]) == events
    for at in range(len(wire)):
        assert read([wire[:at], wire[at:]]) == events


@pytest.mark.parametrize("path", cases("reply.sse"), ids=label)
def test_a_stream_is_written_byte_for_byte(path: Path) -> None:
    codec, wire = of(path), (path / "reply.sse").read_bytes()

    assert codec.write_stream(codec.read_stream([wire])) == wire


@pytest.mark.parametrize("path", cases("reply.json"), ids=label)
def test_a_reply_is_written_byte_for_byte(path: Path) -> None:
    codec, body = of(path), (path / "reply.json").read_bytes().rstrip(b"\n")

    assert codec.write_reply(fold(codec.read_reply(body))) == body


@pytest.mark.parametrize("path", cases("reply.json"), ids=label)
def test_a_reply_is_the_fold_of_its_stream(path: Path) -> None:
    """Unary and streamed are one answer (DESIGN section 2)."""
    codec = of(path)
    reply = codec.read_reply((path / "reply.json").read_bytes())

    if (path / "reply.sse").exists():
        assert fold(reply) == fold(codec.read_stream([(path / "reply.sse").read_bytes()]))
    else:
        assert plain(reply) == held(path / "events.json")
