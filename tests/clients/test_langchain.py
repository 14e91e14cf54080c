"""langchain-openai in tool loops: it keeps of an answer what OpenAI's reference knows, no more."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langchain_openai import ChatOpenAI
from openai import APIError

from tests.clients.agents import CUT, LOOPS, THREE, Loop, Place
from tests.clients.desk import TOOLS, Desk

Model: TypeAlias = Any
"""A chat model with its tools bound: langchain's own type for it says nothing of its answers."""
Way: TypeAlias = Callable[[Model, list[BaseMessage]], Awaitable[AIMessage]]


async def invoke(model: Model, messages: list[BaseMessage]) -> AIMessage:
    answer: AIMessage = model.invoke(messages)
    return answer


async def stream(model: Model, messages: list[BaseMessage]) -> AIMessage:
    whole: AIMessageChunk | None = None
    for chunk in model.stream(messages):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


async def ainvoke(model: Model, messages: list[BaseMessage]) -> AIMessage:
    answer: AIMessage = await model.ainvoke(messages)
    return answer


async def astream(model: Model, messages: list[BaseMessage]) -> AIMessage:
    whole: AIMessageChunk | None = None
    async for chunk in model.astream(messages):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


# The client keeps its connections for every model of one address: all tests are in one loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")
every_way = pytest.mark.parametrize(
    "way", [invoke, stream, ainvoke, astream], ids=lambda way: way.__name__
)
every_loop = pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.name)


async def converse(way: Way, place: Place, loop: Loop, desk: Desk) -> str:
    # pydantic makes a secret of the key; its users write it so
    key: Any = "any"
    model = ChatOpenAI(model=loop.model, base_url=place.openai, api_key=key, max_retries=0)
    bound = model.bind_tools(TOOLS)
    messages: list[BaseMessage] = [HumanMessage(loop.asked)]
    while True:
        answer = await way(bound, messages)
        messages.append(answer)
        if not answer.tool_calls:
            return str(answer.text)
        for call in answer.tool_calls:
            done = json.dumps(desk.do(call["name"], call["args"]))
            messages.append(ToolMessage(done, tool_call_id=call["id"]))


@every_loop
@every_way
async def test_functions_are_called_until_the_text_comes(
    way: Way, loop: Loop, place: Place
) -> None:
    desk = Desk()

    assert await converse(way, place, loop, desk) == loop.told

    assert desk.called == loop.calls
    place.check_brought_back(loop)


@pytest.mark.parametrize("way", [invoke, stream], ids=lambda way: way.__name__)
async def test_a_restart_in_the_middle_loses_nothing(way: Way, google: Place) -> None:
    desk = Desk(first=google.restart)

    assert await converse(way, google, THREE, desk) == THREE.told

    assert desk.called == THREE.calls
    google.check_brought_back(THREE)


@pytest.mark.parametrize("way", [stream, astream], ids=lambda way: way.__name__)
async def test_a_stream_that_is_cut_raises(way: Way, cut: Place) -> None:
    """freellmapi PR#1288, CLIProxyAPI#5651: half an answer must not look like a whole one."""
    with pytest.raises(APIError, match=CUT.told):
        await converse(way, cut, CUT, Desk())
