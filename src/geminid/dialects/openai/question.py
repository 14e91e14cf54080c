"""What the reader of an answer must know of the question."""

import msgspec

from geminid.core.request import Request
from geminid.dialects.openai.choice import MIME
from geminid.dialects.openai.names import Names


class Question(msgspec.Struct, frozen=True):
    """`names` lead back to those of the request's functions; `wrapped`: the answer's text stands in
    an object (`choice`).
    """

    names: Names = msgspec.field(default_factory=Names)
    wrapped: bool = False


def question_of(request: Request) -> Question:
    """What `request` asks."""
    wrapped = request.output is not None and request.output.mime == MIME
    return Question(Names(request.functions), wrapped)
