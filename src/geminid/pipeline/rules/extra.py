"""What the rules look at of the Gemini fields that the core has no word for."""

import msgspec

from geminid.core.request import Extra


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
    generation_config: Config = Config()
    tool_config: ToolConfig = ToolConfig()


def fields_of(extra: Extra | None) -> Fields:
    """The fields in `extra`, which a dialect's decoder has checked; none for other dialects."""
    if extra is None or extra.dialect != "gemini":
        return Fields()
    return msgspec.json.decode(extra.fields, type=Fields)
