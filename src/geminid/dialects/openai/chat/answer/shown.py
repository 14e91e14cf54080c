"""Parts that are neither words, thoughts nor calls, and what becomes of them."""

from typing import Final, NoReturn

from geminid.core.content import Blob, Code, CodeResult, FileRef, Opaque, Result
from geminid.core.errors import Unrepresentable
from geminid.dialects.openai.chat.answer.details import beside
from geminid.dialects.openai.tree import Tree

_OK: Final = "OUTCOME_OK"
_SERVERS_TOOLS: Final = frozenset({"toolCall", "toolResponse"})

FENCE: Final = "\n```\n"
"""What ends a block of code."""


def is_sound(part: Blob | FileRef) -> bool:
    """Whether it goes into `message.audio`."""
    return isinstance(part, Blob) and part.mime.startswith("audio/")


def is_draft(part: Blob | FileRef) -> bool:
    """Whether it is a draft of an image model (gemini.md section 3.1).

    That is a thought and not the answer, and many a client shows the first image it finds.
    """
    return part.modifiers is not None and part.modifiers.thought


def write_image(part: Blob | FileRef, index: int) -> Tree:
    """An item of `images`, as OpenRouter has them.

    Raises:
        Unrepresentable: it is no image.
    """
    if part.mime.startswith("image/"):
        url = f"data:{part.mime};base64,{part.data}" if isinstance(part, Blob) else part.uri
    elif isinstance(part, FileRef) and not part.mime:
        url = part.uri
    else:
        refuse(part.mime or "unnamed")
    image: Tree = {"type": "image_url", "image_url": {"url": url}, "index": index}
    return image | beside(part.signature, fields="")


def fence(code: Code) -> str:
    """What begins the block that shows `code` in the content."""
    return f"\n```{code.language.lower()}\n"


def printed(result: CodeResult) -> str:
    """The block that shows what code printed; of code that failed silently, how."""
    words = result.output or ("" if result.outcome == _OK else result.outcome)
    return f"{FENCE}{words}{FENCE}"


def pass_over(part: Result | Opaque) -> None:
    """Google's records of its own tools are left out: what they found is in the answer.

    Raises:
        Unrepresentable: it is something else.
    """
    if isinstance(part, Result):
        refuse("functionResponse")
    if part.kind not in _SERVERS_TOOLS:
        refuse(part.kind)


def refuse(kind: str) -> NoReturn:
    """No field of a chat completion holds a part of this `kind`.

    Raises:
        Unrepresentable: always.
    """
    raise Unrepresentable(
        f"The answer has a part ({kind[:80]}) that a chat completion has no field for; ask for this"
        " in Gemini's own API."
    )
