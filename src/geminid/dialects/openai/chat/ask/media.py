"""What an answer is made of beside text, and how: `modalities`, `image_config`, `audio`."""

from typing import Final

import msgspec

from geminid.dialects.openai.chat.ask.reading import Node

_MODALITIES: Final = ("text", "image", "audio")
_FORMATS: Final = ("wav", "mp3", "flac", "opus", "aac", "pcm16")
MADE: Final = ("wav", "pcm16")
"""The formats that Gemini's sound can be put in here."""


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """`modalities` are `TEXT`, `IMAGE` and `AUDIO`, none for text alone; absent text is `""`."""

    modalities: tuple[str, ...] = ()
    aspect_ratio: str = ""
    image_size: str = ""
    voice: str = ""
    format: str = ""

    @property
    def sounds(self) -> bool:
        """Whether the answer is to be heard."""
        return "AUDIO" in self.modalities


def read_media(root: Node) -> Media:
    """What is wanted.  Engines of this dialect get the fields as they are."""
    asked = root.texts("modalities")
    for place, name in enumerate(asked):
        if name.lower() not in _MODALITIES:
            root.reading.unsupported(f"modalities[{place}]", name, _MODALITIES)
    modalities = tuple(dict.fromkeys(name.upper() for name in asked))
    ratio = size = voice = form = ""
    if (image := root.node("image_config")) is not None:
        ratio, size = image.text("aspect_ratio"), image.text("image_size")
        image.leave_rest()
    if (audio := root.node("audio")) is not None:
        voice, form = _voice(audio), audio.word("format", _FORMATS)
        audio.leave_rest()
    return Media(
        modalities=() if modalities == ("TEXT",) else modalities,
        aspect_ratio=ratio,
        image_size=size,
        voice=voice,
        format=form,
    )


def _voice(audio: Node) -> str:
    """A voice by name, or one of the caller's own by its id."""
    if isinstance(audio.value("voice", "string", "object"), str):
        return audio.text("voice")
    own = audio.node("voice")
    return own.text("id") if own is not None else ""
