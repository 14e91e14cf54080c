"""Short ways to write requests, scripts and what came of them; and any turn, for Hypothesis."""

import time
from contextlib import aclosing

from hypothesis import strategies as st

from geminid.config import Conversation, Script, ScriptedCall, ScriptedCode, ScriptedUsage, Turn
from geminid.core.content import Content, Text, Thought
from geminid.core.events import Event
from geminid.core.fold import Answer, fold
from geminid.core.ports import Context
from geminid.core.request import Request, Sampling, Thinking
from geminid.engines.script.player import Player
from geminid.engines.script.turn import events_of
from tests import strategies

MODEL = "gemini-3-pro-preview"
USER = Content("user", (Text(text="What is the weather?"),))
MODELS = Content("model", (Text(text="One moment."),))


def request(
    *contents: Content, sampling: Sampling | None = None, thinking: Thinking | None = None
) -> Request:
    return Request(
        model=MODEL,
        contents=contents or (USER,),
        sampling=sampling or Sampling(),
        thinking=thinking,
    )


def context(*, stream: bool = True, seconds: float = 10.0) -> Context:
    deadline = time.monotonic() + seconds
    return Context(request_id="r", caller="c", deadline=deadline, stream=stream)


def script(*turns: Turn) -> Script:
    """One conversation, for all."""
    return Script(path="/here/a.toml", conversations=(Conversation(turns=turns, line=2),))


def said(turn: Turn, asked: Request | None = None) -> Answer:
    return fold(events_of(turn, asked or request(), MODEL))


def spoken(answer: Answer, kind: type[Text | Thought] = Text) -> str:
    """The words of all parts of `kind`."""
    parts = [part for each in answer.candidates for part in each.content.parts]
    return "".join(part.text for part in parts if isinstance(part, kind))


async def played(player: Player, asked: Request, about: Context | None = None) -> list[Event]:
    async with aclosing(player.answer(asked, MODEL, about or context())) as answer:
        return [event async for event in answer]


pieces = st.lists(strategies.words, max_size=3).map(tuple)
usages = st.builds(
    ScriptedUsage,
    **dict.fromkeys(("prompt", "output", "thoughts", "cached"), st.none() | st.integers(0, 99)),
)
turns = st.builds(
    lambda turn, cut: turn if not cut else Turn(text="".join(cut), pieces=cut),
    st.builds(
        Turn,
        thoughts=pieces,
        code=st.lists(
            st.builds(
                ScriptedCode,
                code=strategies.words,
                outcome=st.sampled_from(["", "OUTCOME_OK"]),
                output=strategies.texts,
            ),
            max_size=2,
        ).map(tuple),
        text=strategies.texts,
        calls=st.lists(
            st.builds(
                ScriptedCall,
                name=strategies.names,
                args=strategies.objects.map(lambda args: bytes(args).decode()),
                id=strategies.ids,
            ),
            max_size=3,
        ).map(tuple),
        signature=strategies.signed,
        finish=st.sampled_from(["", "SAFETY", "MALFORMED_FUNCTION_CALL"]),
        message=strategies.texts,
        block=st.sampled_from(["", "", "", "OTHER"]),
        usage=usages,
    ),
    st.just(()) | pieces,
)
