"""Sound: playable in every piece, and as one."""

import io
import wave
from base64 import b64decode, b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.core.content import Blob, Text
from geminid.core.errors import UpstreamMalformed
from tests.dialects.openai.chat.answer.told import HEAD, deltas, message

MIME = "audio/L16;codec=pcm;rate=16000"
BARE = msgspec.structs.replace(HEAD, audio_format="pcm16")
WAV = msgspec.structs.replace(HEAD, audio_format="wav")


def sound(data: bytes, mime: str = MIME) -> Blob:
    return Blob(mime=mime, data=b64encode(data).decode())


def test_sound_asked_for_in_wav_is_a_wav_file() -> None:
    audio = message(sound(b"\x01\x00\x02\x00"), sound(b"\x03\x00"), head=WAV)["audio"]

    assert audio["transcript"] == ""
    assert audio["expires_at"] == HEAD.created
    with wave.open(io.BytesIO(b64decode(audio["data"]))) as found:
        assert (found.getnchannels(), found.getsampwidth(), found.getframerate()) == (1, 2, 16000)
        assert found.readframes(9) == b"\x01\x00\x02\x00\x03\x00"


def test_sound_alone_has_no_content() -> None:
    assert message(sound(b"ab"), head=BARE)["content"] is None
    assert message(Text(text="Hi"), sound(b"ab"), head=BARE)["content"] == "Hi"


def test_a_finished_format_leaves_as_it_is() -> None:
    blob = sound(b"ID3 ...", "audio/mp3")

    assert message(blob, head=WAV)["audio"]["data"] == blob.data


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6))
def test_pieces_of_bare_sound_can_be_decoded_alone_and_joined(pieces: list[bytes]) -> None:
    """Players decode each delta; openai-python joins their letters."""
    found = [each["audio"] for each in deltas(*map(sound, pieces), head=BARE)]
    letters = [audio["data"] for audio in found if "data" in audio]

    assert b"".join(map(b64decode, letters)) == b"".join(pieces)
    assert b64decode("".join(letters), validate=True) == b"".join(pieces)
    assert [sorted(audio) for audio in found[:1]] == [["data", "id", "transcript"]]
    assert all(list(audio) == ["data"] for audio in found[1:-1])
    assert found[-1] == {"expires_at": HEAD.created}


def test_a_wav_file_in_a_stream_comes_whole_at_its_end() -> None:
    """Its header names its length."""
    first, last = deltas(sound(b"\x01\x00"), sound(b"\x02\x00"), head=WAV)

    assert first["audio"]["data"] == message(sound(b"\x01\x00\x02\x00"), head=WAV)["audio"]["data"]
    assert last == {"audio": {"expires_at": HEAD.created}}


def test_sound_that_is_no_base64_is_the_upstreams_fault() -> None:
    with pytest.raises(UpstreamMalformed):
        message(Blob(mime=MIME, data="A"), head=WAV)
