"""Answers as they stand on the wire: the fields that are read, each as loose as servers are."""

from typing import TypeAlias

import msgspec

from geminid.dialects.openai.logprobs import Logprobs
from geminid.dialects.openai.reasoning import THINKING
from geminid.dialects.openai.tree import Tree


class _Signature(msgspec.Struct):
    thought_signature: str | None = None


class ExtraContent(msgspec.Struct):
    """Google's carrier of thought signatures."""

    google: _Signature | None = None


class Function(msgspec.Struct):
    """A call's name and arguments: JSON text, or (some servers) the object itself."""

    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None

    @property
    def arguments_text(self) -> str:
        """The arguments as JSON text, as far as it has come."""
        if isinstance(self.arguments, dict):
            return msgspec.json.encode(self.arguments).decode()
        return self.arguments or ""


class ToolCall(msgspec.Struct):
    """A call, or a fragment of one."""

    index: int | None = None
    id: str | int | None = None
    function: Function | None = None
    extra_content: ExtraContent | None = None

    @property
    def signature(self) -> str:
        """Google's thought signature, if one is with it."""
        return _signature(self.extra_content)


class _Url(msgspec.Struct):
    url: str | None = None


class ContentPart(msgspec.Struct):
    """One element where `content` is an array, or of `images`."""

    text: str | None = None
    refusal: str | None = None
    thinking: "str | list[ContentPart] | None" = None
    image_url: str | _Url | None = None

    @property
    def url(self) -> str:
        """The image's address, if it is an image."""
        found = self.image_url.url if isinstance(self.image_url, _Url) else self.image_url
        return found or ""

    @property
    def thought(self) -> str:
        """Its thoughts (Mistral)."""
        if isinstance(self.thinking, list):
            return "".join(part.text or "" for part in self.thinking)
        return self.thinking or ""


_Said: TypeAlias = tuple[str, str]
"""The field that thoughts stand in, `""` for what is no thought; and the words."""


class Message(msgspec.Struct):
    """A whole message or a delta: the same fields."""

    content: str | list[ContentPart] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Tree | None] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    images: list[ContentPart] | None = None
    annotations: object = None
    extra_content: ExtraContent | None = None

    @property
    def thought(self) -> _Said:
        """Its reasoning in one field; some servers say the same words in two."""
        field = "reasoning" if self.reasoning else "reasoning_content"
        return field, self.reasoning or self.reasoning_content or ""

    @property
    def texts(self) -> list[_Said]:
        """Its content, in order; thoughts only where they are parts of it."""
        if isinstance(self.content, list):
            said: list[_Said] = []
            for part in self.content:
                said += [(THINKING, part.thought), ("", part.text or "")]
            return said
        return [("", self.content)] if self.content else []

    @property
    def refusals(self) -> list[str]:
        """Why it declines to answer."""
        inside = self.content if isinstance(self.content, list) else []
        return [said for said in (self.refusal, *(part.refusal for part in inside)) if said]

    @property
    def image_urls(self) -> list[str]:
        """The images it shows."""
        inside = self.content if isinstance(self.content, list) else []
        return [part.url for part in (*inside, *(self.images or ())) if part.url]

    @property
    def calls(self) -> list[ToolCall]:
        """Its calls, the old `function_call` among them."""
        calls = self.tool_calls or []
        return [*calls, ToolCall(function=self.function_call)] if self.function_call else calls

    @property
    def signature(self) -> str:
        """Google's thought signature of a text."""
        return _signature(self.extra_content)


class Choice(msgspec.Struct):
    """One choice of a body or of a chunk."""

    index: int | None = None
    message: Message | None = None
    delta: Message | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None
    error: object = None


class Completion(msgspec.Struct):
    """A `chat.completion`, or one `chat.completion.chunk`.

    What it says beside the answer may have any form: no answer is lost for it.
    """

    id: str | int | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: object = None
    service_tier: object = None
    meta: object = None
    error: object = None


def _signature(extra: ExtraContent | None) -> str:
    google = extra.google if extra is not None else None
    return (google.thought_signature or "") if google is not None else ""
