"""`/chat/completions` requests: bytes to a `Chat`, which knows nothing of who will answer."""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Malformed, TooLarge, Violation
from geminid.core.request import Request
from geminid.dialects.openai.chat.ask.fields import check_fields, verbatim
from geminid.dialects.openai.chat.ask.form import Form, read_form
from geminid.dialects.openai.chat.ask.google import Google, read_google
from geminid.dialects.openai.chat.ask.media import Media, read_media
from geminid.dialects.openai.chat.ask.reading import Left, Node, Reading
from geminid.dialects.openai.chat.ask.sampling import read_sampling
from geminid.dialects.openai.chat.ask.search import Search, read_search
from geminid.dialects.openai.chat.ask.spelling import names_of as names_of
from geminid.dialects.openai.chat.ask.thinking import Wish, read_wish
from geminid.dialects.openai.chat.ask.tools import read_choice, read_tools
from geminid.dialects.openai.chat.functions import Functions
from geminid.dialects.openai.chat.history.messages import read_messages
from geminid.dialects.openai.tree import Tree

_REQUIRE: Final = "require_parameters"
_WAV: Final = "wav"


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks, of the model `model` or else of `models` in turn.

    `require`: they would rather be refused than have a field ignored.  `shows`: they may see the
    words of thoughts.  `audio_format` is what sound is asked for in.

    `request` is what every model is asked alike; `aim.asked_of` makes of it, and of what stands
    beside it here, what one model can take: `wish` about thinking, `media`, a `search`, fields of
    `google`, a service `tier`, the `form` of the text, whether calls are to be `strict`.  `left`
    are the fields that only engines of this dialect may know, and `verbatim` is what those get.
    """

    model: str
    models: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    require: bool = False
    shows: bool = True
    audio_format: str = _WAV
    functions: Functions
    request: Request
    wish: Wish
    media: Media
    search: Search
    google: Google
    form: Form
    tier: str = ""
    strict: bool = False
    left: tuple[Left, ...] = ()
    verbatim: Json | None = None


def decode_chat(body: bytes, *, depth: int) -> Chat:
    """What `body` asks.

    Raises:
        Malformed: not JSON, not an object, no model, no messages, or fields of a wrong type or
            value; all are listed, but those of messages apart.
        Invalid: what to do is said in two ways that exclude each other.
        TooLarge: nested deeper than `depth`.
        CallerFault: as `read_messages`.
    """
    tree = _decoded(body, depth)
    reading = Reading()
    check_fields(tree, reading)
    reading.check()
    root = Node(tree, "", reading)
    model, models = _models(root)
    declared = read_tools(root)
    choice = read_choice(root, declared)
    google, config = read_google(root)
    wish = read_wish(root, config)
    media, form, search = read_media(root), read_form(root), read_search(root)
    sampling, require = read_sampling(root), _require(root)
    include_usage = _includes_usage(root)
    reading.check()
    said = read_messages(tree.get("messages"), sent=declared.names.of)
    request = Request(
        model=model,
        contents=said.contents,
        system=said.system,
        functions=declared.tools,
        tool_choice=choice,
        sampling=sampling,
        output=form.output,
        modalities=media.modalities,
    )
    return Chat(
        model=model,
        models=models,
        stream=root.flag("stream") is True,
        include_usage=include_usage,
        require=require,
        shows=wish.shows,
        audio_format=media.format or _WAV,
        functions=declared.answered,
        request=request,
        wish=wish,
        media=media,
        search=search,
        google=google,
        form=form,
        tier=root.text("service_tier"),
        strict=declared.strict,
        left=(*reading.left, *said.left),
        verbatim=_verbatim(tree, google, form, media),
    )


def _decoded(body: bytes, depth: int) -> Tree:
    too_deep = f"The request is nested deeper than {depth} levels; flatten it."
    try:
        found = msgspec.json.decode(body)
        if not _shallow(found, depth):
            raise TooLarge(too_deep)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = f"We could not parse the JSON body of your request: {error}."
        raise Malformed(text, (Violation("", text),)) from error
    except RecursionError as error:
        raise TooLarge(too_deep) from error
    if not isinstance(found, dict):
        text = "We could not parse the body of your request: it must be a JSON object."
        raise Malformed(text, (Violation("", text),))
    return found


def _shallow(value: object, left: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    elif not isinstance(value, list):
        return True
    if left <= 0:
        return False
    for item in value:
        if (type(item) is dict or type(item) is list) and not _shallow(item, left - 1):
            return False
    return True


def _models(root: Node) -> tuple[str, tuple[str, ...]]:
    """The model, and those to try after it, each once."""
    names = [root.text("model"), *root.texts("models")]
    names = list(dict.fromkeys(filter(None, names)))
    if not names:
        root.reading.add("model", "you must provide a model parameter")
        return "", ()
    return names[0], tuple(names[1:])


def _require(root: Node) -> bool:
    """Whether every field must be used.  The other preferences of `provider` are left."""
    provider = root.node("provider")
    if provider is None:
        return False
    require = provider.flag(_REQUIRE) is True
    for key, value in provider.tree.items():
        if key != _REQUIRE and value is not None:
            root.reading.leave(provider.at(key), service=True)
    return require


def _includes_usage(root: Node) -> bool:
    options, usage = root.node("stream_options"), root.node("usage")
    included = options is not None and options.flag("include_usage") is True
    wanted = usage is not None and usage.flag("include") is True
    for node in (options, usage):
        if node is not None:
            node.leave_rest()
    return included or wanted


def _verbatim(tree: Tree, google: Google, form: Form, media: Media) -> Json | None:
    """What an engine of this dialect gets as it is, if there is anything."""
    found = verbatim(tree)
    if media.sounds:  # which the core can ask for, but says in Gemini's way
        found["modalities"] = tree["modalities"]
    if form.elsewhere:
        found["response_format"] = tree["response_format"]
    if google.verbatim is not None:
        found["extra_body"] = google.verbatim
    return Json(msgspec.json.encode(found)) if found else None
