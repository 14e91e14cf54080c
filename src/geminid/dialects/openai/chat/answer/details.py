"""What carries thoughts and thought signatures to a caller (dialects.md section 3).

Each carrier is there because some client sends back that one and no other.  An index is never used
twice in a message: openai-python's stream helper would make one detail of two.
"""

from typing import Final

from geminid.dialects.openai.reasoning import SIGNED
from geminid.dialects.openai.tree import Tree

FORMAT: Final = SIGNED
TEXT: Final = "reasoning.text"


def thought(text: str, signature: str, index: int) -> Tree:
    """A thought, whole or as far as it has come."""
    proof: Tree = {"signature": signature} if signature else {}
    return {"type": TEXT, "text": text, **proof, "format": FORMAT, "index": index}


def encrypted(signature: str, call_id: str, index: int) -> Tree:
    """The signature of the call `call_id`, or of the words if that is `""`."""
    return {
        "type": "reasoning.encrypted",
        "data": signature,
        "id": call_id or None,
        "format": FORMAT,
        "index": index,
    }


def beside(signature: str, *, fields: str) -> Tree:
    """What stands beside a signed thing: Google's carrier, and LiteLLM's in its `fields`:
    `thought_signature` of a call, `thought_signatures` of a message, `""` for neither.
    """
    if not signature:
        return {}
    tree: Tree = {"extra_content": {"google": {"thought_signature": signature}}}
    if fields:
        held = [signature] if fields.endswith("s") else signature
        tree["provider_specific_fields"] = {fields: held}
    return tree
