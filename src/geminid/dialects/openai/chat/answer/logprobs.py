"""`choices[].logprobs` from what Gemini says beside a candidate's end.

`dialects.openai.logprobs` is the way back.
"""

import msgspec

from geminid.core.content import Json
from geminid.dialects.openai.tree import Tree


class _Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0

    def tree(self) -> Tree:
        """It as this dialect writes it; a token may be half a letter, so its bytes are said too."""
        return {
            "token": self.token,
            "logprob": self.log_probability,
            "bytes": list(self.token.encode()),
        }


class _Top(msgspec.Struct, rename="camel"):
    candidates: list[_Token] = []


class _Result(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] = []
    top_candidates: list[_Top] = []


class _Extra(msgspec.Struct, rename="camel"):
    logprobs_result: _Result | None = None


def write_logprobs(extra: Json | None) -> Tree | None:
    """The log probabilities among Gemini's candidate fields in `extra`.

    `None` if there are none, or if they are in a form that nobody knows: no answer is lost for it.
    """
    if extra is None or b"logprobsResult" not in bytes(extra):
        return None
    try:
        found = msgspec.json.decode(extra, type=_Extra, strict=False).logprobs_result
    except (msgspec.MsgspecError, RecursionError):
        return None
    if found is None or not found.chosen_candidates:
        return None
    content: list[Tree] = []
    for place, chosen in enumerate(found.chosen_candidates):
        tops = found.top_candidates[place : place + 1]
        listed = [token.tree() for top in tops for token in top.candidates]
        content.append(chosen.tree() | {"top_logprobs": listed})
    return {"content": content, "refusal": None}
