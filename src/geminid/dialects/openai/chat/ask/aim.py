"""From what a caller asks to what one model can take of it.

What a model or its engine has not is left out and named, where its caller could not know: a program
written for OpenAI asks every model alike.  What makes no sense stays as it is, for the rules to
refuse.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from geminid.catalog import Model
from geminid.core.content import Json
from geminid.core.errors import Unsupported
from geminid.core.request import BuiltinTool, Extra, Request, ToolChoice
from geminid.dialects.openai.chat.ask.fields import goes_on
from geminid.dialects.openai.chat.ask.media import MADE
from geminid.dialects.openai.chat.ask.reading import Left
from geminid.dialects.openai.chat.ask.request import Chat
from geminid.dialects.openai.chat.ask.sampling import fitted
from geminid.dialects.openai.chat.ask.search import SEARCH
from geminid.dialects.openai.chat.ask.spelling import names_of, suffix_of
from geminid.dialects.openai.chat.ask.thinking import thinking_of
from geminid.dialects.openai.chat.history.fitting import fitting
from geminid.dialects.openai.parts import DIALECT, Ignore
from geminid.dialects.openai.tree import Tree

_GEMINI: Final = "gemini"
_ONLINE: Final = "online"
_THINKING: Final = "thinking"
_TIERS: Final = ("flex", "priority")
_USUAL_TIERS: Final = ("", "auto", "default", "standard")
# OpenAI's voices; Gemini refuses names that it does not know.
_VOICES: Final = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx"}
    | {"sage", "shimmer", "verse"}
)
_TOGETHER: Final = 3
"""The first generation of Gemini that runs its own tools beside the caller's functions."""


def asked_of(
    chat: Chat, model: str, facts: Model | None, *, dialect: str, native: bool, ignore: Ignore
) -> Request:
    """What `chat` asks of `model`, for an engine that speaks `dialect` upstream.

    `facts` are the catalog's about the model; `dialect` is `gemini`, `openai`, or `""` for an
    engine of our own; `native`: the engine's upstream makes Gemini's thought signatures itself.
    All that cannot be used is named through `ignore`, but no service matter if the caller requires
    every field.

    Raises:
        Unsupported: without it the answer would be another one than was asked for.
    """
    aim = _Aim(chat, model, facts, dialect=dialect, ignore=ignore)
    wish = chat.wish
    if aim.suffix == _THINKING and wish.shows:
        wish = msgspec.structs.replace(wish, asked=True)
    return msgspec.structs.replace(
        chat.request,
        model=model,
        contents=fitting(chat.request.contents, facts, dialect=dialect, ignore=ignore),
        builtins=aim.builtins,
        tool_choice=aim.choice(),
        sampling=fitted(chat.request.sampling, facts, dialect=dialect, ignore=ignore),
        thinking=thinking_of(wish, facts, dialect=dialect, native=native, ignore=ignore),
        modalities=aim.modalities(),
        extra=aim.extra(),
    )


class _Aim:
    """One chat, and the model that it is asked of."""

    def __init__(
        self, chat: Chat, model: str, facts: Model | None, *, dialect: str, ignore: Ignore
    ) -> None:
        self.chat, self.facts, self.dialect, self._ignore = chat, facts, dialect, ignore
        self.suffix = _suffix(chat, model, facts)
        self.builtins = self._builtins()
        self._leave()

    def choice(self) -> ToolChoice | None:
        """How functions may be called."""
        choice = self.chat.request.tool_choice
        if not self.chat.strict or not self.dialect:  # our own engines keep to schemas anyway
            return choice
        if self.dialect == _GEMINI:
            self._ignore("tools.function.strict")
            return choice
        return choice or ToolChoice("VALIDATED")

    def modalities(self) -> tuple[str, ...]:
        """What the answer is made of."""
        asked, media = self.chat.request.modalities, self.chat.media
        if not media.sounds:
            return asked
        if self.dialect == DIALECT:
            return ()  # it gets the field itself
        if media.format and media.format not in MADE:
            raise Unsupported(
                f"Sound cannot be had as {media.format} from this model's engine; ask for"
                f" {' or '.join(MADE)}."
            )
        # Sound comes with its words here, and without them from Gemini.
        return tuple(name for name in asked if name != "TEXT")

    def extra(self) -> Extra | None:
        """The fields that the core has no word for, in the engine's own dialect."""
        if self.dialect == DIALECT:
            sent = self.chat.verbatim
            return Extra(DIALECT, sent) if sent is not None else None
        if self.dialect == _GEMINI:
            tree = self._gemini()
            return Extra(_GEMINI, Json(msgspec.json.encode(tree))) if tree else None
        self._refuse()
        return None

    def _leave(self) -> None:
        """Name what the engine has no use for."""
        if self.suffix not in ("", _ONLINE, _THINKING) and not self.chat.require:
            self._ignore(f"model:{self.suffix}")
        chat = self.chat
        if self.dialect == DIALECT:  # what it gets and does not take, it names itself
            self._name(left for left in chat.left if not goes_on(left.field))
            return
        if chat.form.elsewhere:
            raise Unsupported(
                f"A response format of the type {chat.form.elsewhere!r} cannot be had from this"
                " model's engine; use json_schema."
            )
        self._name((*chat.left, *chat.search.left, *chat.google.left))

    def _name(self, fields: Iterable[Left]) -> None:
        for left in fields:
            if not (left.service and self.chat.require):
                self._ignore(left.field)

    def _builtins(self) -> tuple[BuiltinTool, ...]:
        wanted = self.chat.search.tool
        if self.dialect == DIALECT:  # it gets the wish itself
            wanted = SEARCH if self.suffix == _ONLINE and wanted is None else None
        elif self.suffix == _ONLINE:
            wanted = wanted or SEARCH
        return () if wanted is None else (wanted,)

    def _gemini(self) -> Tree:
        google, tree = self.chat.google, Tree()
        if google.cached_content:
            tree["cachedContent"] = google.cached_content
        if google.safety is not None:
            tree["safetySettings"] = google.safety
        if self.chat.tier in _TIERS:
            tree["serviceTier"] = self.chat.tier
        self._leave_tier(_TIERS)
        config: Tree = {}
        if image := self._image():
            config["imageConfig"] = image
        if voice := self._voice():
            config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
        if config:
            tree["generationConfig"] = config
        together = self.facts is None or self.facts.generation >= _TOGETHER
        if self.builtins and self.chat.request.functions and together:
            tree["toolConfig"] = {"includeServerSideToolInvocations": True}
        return tree

    def _image(self) -> Tree:
        """The shape and the size of a picture, if the model makes any."""
        facts, media, google = self.facts, self.chat.media, self.chat.google
        shaped = facts is None or bool(facts.aspect_ratios)
        sized = shaped and (facts is None or bool(facts.image_sizes))
        tree: Tree = {}
        if (ratio := google.aspect_ratio or media.aspect_ratio) and shaped:
            tree["aspectRatio"] = ratio
        elif ratio:
            self._ignore("image_config.aspect_ratio")
        if media.image_size and sized:
            tree["imageSize"] = media.image_size
        elif media.image_size:
            self._ignore("image_config.image_size")
        return tree

    def _voice(self) -> str:
        """Whose voice is heard; `""` leaves it to the model."""
        media = self.chat.media
        if not media.sounds and (media.voice or media.format):
            self._ignore("audio")
        if media.voice.lower() not in _VOICES:
            return media.voice if media.sounds else ""
        if media.sounds:
            self._ignore("audio.voice")
        return ""

    def _refuse(self) -> None:
        """For an engine of our own: Gemini's fields are named, or refused if they are needed."""
        google, media = self.chat.google, self.chat.media
        if google.cached_content:
            raise Unsupported("This model's engine cannot use a cached content; leave it out.")
        if google.safety is not None:
            self._ignore("safety_settings")
        if media.aspect_ratio or media.image_size or google.aspect_ratio:
            self._ignore("image_config")
        if media.voice or media.format:
            self._ignore("audio")
        self._leave_tier()

    def _leave_tier(self, taken: tuple[str, ...] = ()) -> None:
        if self.chat.tier not in (*_USUAL_TIERS, *taken) and not self.chat.require:
            self._ignore("service_tier")


def _suffix(chat: Chat, model: str, facts: Model | None) -> str:
    """What the name that `model` was asked by ends with, unless it is a part of the model's own."""
    served = {model} if facts is None else {model, facts.id, *facts.aliases}
    names = (chat.model, *chat.models)
    asked = next((name for name in names if not served.isdisjoint(names_of(name))), chat.model)
    suffix = suffix_of(asked)
    return "" if model.endswith(f":{suffix}") else suffix
