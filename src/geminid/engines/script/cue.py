"""Which turn of a script a request is answered with: told by the request alone, so that neither
other callers nor a restart change it.
"""

from itertools import groupby, takewhile
from pathlib import PurePath

from geminid.config import Conversation, Script, Turn
from geminid.core.content import Content, Text
from geminid.core.errors import Unsupported
from geminid.core.request import Request


def find_turn(script: Script, request: Request, model: str) -> Turn:
    """The turn that follows those already in `request`.  `model` is the catalog's id.

    Raises:
        Unsupported: the script has none; the detail says what to add to it.
    """
    file = PurePath(script.path).name
    conversation = _conversation(script, request, model)
    if conversation is None:
        raise Unsupported(
            f"No conversation of the script {file} is for model {model} and this first message."
            " Add a [[conversation]] for it, or mend the model or when of one that is there."
        )
    number = _model_turns(request)
    if number >= len(conversation.turns):
        raise Unsupported(
            f"The conversation at {file}:{conversation.line} has no turn {number + 1}."
            " Add a [[conversation.turn]] to it, or find out why the program asked once more."
        )
    return conversation.turns[number]


def _conversation(script: Script, request: Request, model: str) -> Conversation | None:
    first = _first_message(request).casefold()
    models = ("", model, request.model)
    fitting = (c for c in script.conversations if c.model in models and c.when.casefold() in first)
    return next(fitting, None)


def _first_message(request: Request) -> str:
    """The words of the first message that is not the model's: all contents up to its next turn."""
    rest = list(request.contents)
    while rest and _is_models(rest[0]):
        rest.pop(0)
    opening = takewhile(lambda content: not _is_models(content), rest)
    parts = [part for content in opening for part in content.parts]
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def _model_turns(request: Request) -> int:
    """The model's turns so far; neighbouring contents of the model are one."""
    return sum(is_models for is_models, _ in groupby(request.contents, key=_is_models))


def _is_models(content: Content) -> bool:
    return content.role == "model"
