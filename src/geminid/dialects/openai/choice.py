"""`text/x.enum`: one word of a list, on a wire that has only JSON.

The server is asked for an object with one value, and the answer is taken out of it.
"""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Unsupported

MIME: Final = "text/x.enum"
_KEY: Final = "value"


def wrapped(schema: Json) -> Json:
    """The schema (JSON Schema) of an object that holds the word.

    Raises:
        Unsupported: `schema` lists no words.
    """
    found = msgspec.json.decode(schema)
    values = found.get("enum") if isinstance(found, dict) else None
    # `null` stands among them where the schema is nullable; it is no word.
    words = [word for word in values if word is not None] if isinstance(values, list) else []
    if not words or not all(isinstance(word, str) for word in words):
        raise Unsupported(f"The response type {MIME} needs a schema with an `enum` of strings.")
    tree = {
        "type": "object",
        "properties": {_KEY: {"type": "string", "enum": words}},
        "required": [_KEY],
        "additionalProperties": False,
    }
    return Json(msgspec.json.encode(tree))


def unwrapped(text: str) -> str:
    """The word in `text`; `text` itself if the server did not keep to the schema."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return text
    word = found.get(_KEY) if isinstance(found, dict) else found
    return word if isinstance(word, str) else text
