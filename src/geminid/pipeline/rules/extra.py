"""What the rules look at of the Gemini fields that the core has no word for."""

from typing import Any, Final

import msgspec

from geminid.core.request import Extra

_ZERO: Final = "_UNSPECIFIED"


class Safety(msgspec.Struct, frozen=True):
    """One safety setting; names are canonical, absent is `""`."""

    category: str = ""
    threshold: str = ""


class ImageConfig(msgspec.Struct, frozen=True, rename="camel"):
    """The shape and the size asked for a picture; absent is `""`."""

    aspect_ratio: str = ""
    image_size: str = ""


class Config(msgspec.Struct, frozen=True, rename="camel"):
    """Of `generationConfig`."""

    image_config: ImageConfig | None = None
    media_resolution: str = ""
    speech_config: msgspec.Raw = msgspec.Raw()


class ToolConfig(msgspec.Struct, frozen=True, rename="camel"):
    """Of `toolConfig`."""

    include_server_side_tool_invocations: bool = False


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """Of the request."""

    safety_settings: tuple[Safety, ...] = ()
    cached_content: str = ""
    generation_config: Config = Config()
    tool_config: ToolConfig = ToolConfig()


def fields_of(extra: Extra | None) -> Fields:
    """The fields in `extra`, which a dialect's decoder has checked; none for other dialects."""
    if extra is None or extra.dialect != "gemini":
        return Fields()
    return msgspec.json.decode(extra.fields, type=Fields)


def is_set(name: str) -> bool:
    """Whether an enum has a value: its zero is the same as nothing, in proto3."""
    return bool(name) and not name.endswith(_ZERO)


def says_anything(value: Any) -> bool:
    """Whether a field that was read from JSON has anything in it.

    Zeros, and messages and lists of nothing else, are the same as nothing.
    """
    if isinstance(value, dict):
        return any(map(says_anything, value.values()))
    if isinstance(value, list):
        return any(map(says_anything, value))
    return is_set(value) if isinstance(value, str) else bool(value)
