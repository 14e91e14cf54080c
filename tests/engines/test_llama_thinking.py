"""A local model that thinks by itself: the embedded one, behind a template that opens its thoughts.

The template is all that makes such a model in llama.cpp's eyes.  It never closes a thought of its
own, so a budget does.
"""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from geminid.config import Channel, Config
from geminid.core.content import Call, Content, Text, Thought
from geminid.core.events import End
from geminid.core.fold import Answer, fold
from geminid.core.ports import Context
from geminid.core.request import FunctionTool, Request, Sampling, Thinking, ToolChoice
from geminid.engines.llama import Llama
from geminid.engines.weights import SMOLLM2, place
from geminid.processes.llama import LlamaProcess, plan

STORY = "Write a long story about a river."
KEY = b"tokenizer.chat_template"
TEMPLATE = (
    "{% for m in messages %}{{'<|im_start|>'+m.role+'\n'}}{% if m.reasoning_content %}"
    "{{'<think>\n'+m.reasoning_content+'\n</think>\n\n'}}{% endif %}{{m.content+'<|im_end|>\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n<think>\n'}}"
    "{% if enable_thinking==false %}{{'\n</think>\n\n'}}{% endif %}{% endif %}"
)


def thinking_weights(folder: Path, config: Config) -> Path:
    """A copy of the embedded model's file with `TEMPLATE` in the place of its own."""
    data = place(SMOLLM2, Path(config.models_dir)).read_bytes()
    at = data.index(KEY) + len(KEY) + 4  # after the type of the value
    size = int.from_bytes(data[at : at + 8], "little")
    template = TEMPLATE.encode() + b"{#" + b" " * (size - len(TEMPLATE) - 4) + b"#}"
    assert len(template) == size
    path = folder / "thinks.gguf"
    path.write_bytes(data[: at + 8] + template + data[at + 8 + size :])
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def thinker(config: Config) -> AsyncIterator[tuple[str, Channel]]:
    """Where the model runs that thinks."""
    with tempfile.TemporaryDirectory(prefix="geminid-test-") as folder:
        weights = str(thinking_weights(Path(folder), config))
        channel = Channel(name="thinks", engine="llama", weights=weights, context=512, slots=1)
        async with LlamaProcess(plan(channel, config, folder)):
            yield folder, channel


@pytest_asyncio.fixture
async def engine(thinker: tuple[str, Channel]) -> AsyncIterator[Llama]:
    """The engine before it."""
    engine = Llama(*thinker, 60)
    yield engine
    await engine.close()


async def answer(engine: Llama, text: str, given: Context | None = None, **more: object) -> Answer:
    """One answer to `text`."""
    request = Request(
        model="m",
        contents=(Content("user", (Text(text=text),)),),
        sampling=Sampling(max_output=40, temperature=0.0),
    )
    request = msgspec.structs.replace(request, **more)
    given = given or context()
    async with aclosing(engine.answer(request, "m", given)) as events:
        return fold([event async for event in events])


def context() -> Context:
    """Circumstances of one request."""
    return Context(request_id="r", caller="c", deadline=time.monotonic() + 50, stream=True)


async def test_its_thoughts_are_thoughts_and_counted_as_such(engine: Llama) -> None:
    given = context()

    found = await answer(engine, STORY, given, thinking=Thinking(budget=10))

    assert [type(part) for part in found.candidates[0].content.parts] == [Thought, Text]
    assert found.usage is not None
    assert 10 <= found.usage.thoughts <= 16  # with what closes them
    assert found.usage.output > 0
    assert found.usage.thoughts + found.usage.output <= 40
    assert not any("separate pass" in notice for notice in given.notices)


async def test_a_bound_that_is_spent_in_its_thoughts_leaves_no_words(engine: Llama) -> None:
    found = await answer(engine, STORY, sampling=Sampling(max_output=12))

    assert [type(part) for part in found.candidates[0].content.parts] == [Thought]
    assert found.candidates[0].end == End("MAX_TOKENS")
    assert found.usage is not None
    assert (found.usage.thoughts, found.usage.output) == (12, 0)


@pytest.mark.parametrize("thinking", [Thinking("MINIMAL"), Thinking(budget=0)])
async def test_it_can_be_kept_from_thinking(engine: Llama, thinking: Thinking) -> None:
    found = await answer(engine, "Hello", thinking=thinking)

    assert [type(part) for part in found.candidates[0].content.parts] == [Text]
    assert found.usage is not None
    assert found.usage.thoughts == 0


async def test_before_a_form_it_thinks_apart(engine: Llama) -> None:
    """A grammar rules from the first token on; the thoughts come first, and are told of."""
    given = context()

    found = await answer(
        engine,
        STORY,
        given,
        functions=(FunctionTool(name="get_time"),),
        tool_choice=ToolChoice("ANY"),
        thinking=Thinking(budget=10),
        sampling=Sampling(max_output=200, temperature=0.0),
    )

    parts = found.candidates[0].content.parts
    assert [type(part) for part in parts][:2] == [Thought, Call]
    assert found.usage is not None
    assert 10 <= found.usage.thoughts <= 16  # with what closes them
    assert "thoughts were written by a separate pass of the local model" in given.notices
