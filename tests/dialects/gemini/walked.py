"""Ways into the walk that its tests share."""

import msgspec
import pytest

from geminid.core.errors import Malformed
from geminid.dialects.gemini.tree import Tree
from geminid.dialects.gemini.walk import walk

API = "type.googleapis.com/google.ai.generativelanguage.v1beta."


def walked(tree: object, message: str = "GenerateContentRequest") -> Tree:
    """`tree` as it comes out of the walk."""
    return walk(message, msgspec.json.encode(tree))


def complaints(body: object, message: str = "GenerateContentRequest") -> list[tuple[str, str]]:
    """Path and text of each violation; `body` may be bytes."""
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    with pytest.raises(Malformed) as caught:
        walk(message, encoded)
    found = [(violation.field, violation.description) for violation in caught.value.violations]
    assert caught.value.detail == "\n".join(text for _, text in found)
    return found
