"""A chat as a test says it: the smallest body, and what a test adds."""

import json
from typing import Any

import msgspec

from geminid.catalog import Catalog, Model, load, load_rules
from geminid.core.errors import Invalid
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.dialects.openai.chat.ask.aim import asked_of
from geminid.dialects.openai.chat.ask.request import Chat, decode_chat
from geminid.pipeline.rules import Rulebook

CATALOG: Catalog = load()
BOOK = Rulebook(load_rules())
PRO = "gemini-3.1-pro-preview"


def chat_of(**fields: Any) -> Chat:
    """The chat of a body with `fields`."""
    body = {"model": PRO, "messages": [{"role": "user", "content": "hi"}]} | fields
    return decode_chat(json.dumps(body).encode(), depth=100)


def facts_of(model: str) -> Model | None:
    """What the catalog knows of `model`."""
    return CATALOG.get(model)


class Asked:
    """What a chat asks of one model: the request, and what was named as not used."""

    def __init__(self, chat: Chat, model: str = PRO, dialect: str = "gemini") -> None:
        self.ignored: list[str] = []
        self.request: Request = asked_of(
            chat,
            model,
            facts_of(model),
            dialect=dialect,
            native=dialect == "gemini",
            ignore=self.ignored.append,
        )

    @property
    def extra(self) -> Any:
        """The fields of the engine's dialect, decoded; `None` if there are none."""
        extra = self.request.extra
        return None if extra is None else msgspec.json.decode(extra.fields)


def asked(served: str = PRO, dialect: str = "gemini", **fields: Any) -> Asked:
    """What a body with `fields` asks of the model `served`."""
    return Asked(chat_of(**fields), served, dialect)


def broken(request: Request, model: str = PRO) -> list[str]:
    """What Gemini's rules refuse of a request: by those that are sure, and by all.

    Those on signatures are not asked: here a lost one is put back.
    """
    found: list[str] = []
    for book in (BOOK.unsigned.sure, BOOK.unsigned):
        context = Context(request_id="r", caller="ada", deadline=1e9, stream=False)
        try:
            book.check(request, facts_of(model), context)
        except Invalid as fault:
            found.append(fault.detail)
    return found
