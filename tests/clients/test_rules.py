"""The rules as users of google-genai meet them: the same words, whatever engine answers."""

import enum
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pydantic
import pytest
from google import genai
from google.genai import errors, types

from tests.pipeline.rules.bodies import FLASH, OLD, PRO, Tree
from tests.pipeline.rules.breaches import ADVISED, REFUSED
from tests.pipeline.rules.test_every_rule import refusal
from tests.serving import serving

MODELS = sorted({breach.model for breach in [*REFUSED.values(), *ADVISED.values()]} | {FLASH})
CONFIG = """
[[channel]]
name = "words"
engine = "echo"
models = ["{}"]
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[genai.Client]:
    """A client of a server whose engine knows none of the rules."""
    home = tmp_path_factory.mktemp("rules")
    with serving(home, CONFIG.format('", "'.join(MODELS))) as server:
        yield genai.Client(api_key="any", http_options=types.HttpOptions(base_url=server.url))


def ask(client: genai.Client, tree: Tree, model: str) -> types.GenerateContentResponse:
    """Send a request as the SDK would have made it."""
    fields: dict[str, Any] = dict(tree)
    contents = [types.Content.model_validate(content) for content in fields.pop("contents")]
    config = types.GenerateContentConfig.model_validate(fields.pop("generationConfig", {}) | fields)
    return client.models.generate_content(model=model, contents=contents, config=config)


@pytest.mark.filterwarnings("ignore:HARM_CATEGORY_MEDICAL is not a valid HarmCategory")
@pytest.mark.parametrize("name", REFUSED)
def test_the_sdk_raises_the_words_of_the_rule(client: genai.Client, name: str) -> None:
    breach = REFUSED[name]

    with pytest.raises(errors.ClientError) as caught:
        ask(client, breach.broken, breach.model)

    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert caught.value.message == refusal(breach.broken, breach.model)


@pytest.mark.parametrize("name", ADVISED)
def test_advice_comes_in_a_header_beside_the_answer(client: genai.Client, name: str) -> None:
    breach = ADVISED[name]

    answer = ask(client, breach.broken, breach.model)

    assert answer.candidates
    assert answer.sdk_http_response is not None
    assert answer.sdk_http_response.headers is not None
    assert breach.text in answer.sdk_http_response.headers["x-geminid-notice"]


# ---- what the SDK makes of a program's own functions and classes is never against a rule


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(pydantic.BaseModel):
    name: str
    tags: list[str]
    color: Color
    price: float | None = None
    kind: Literal["a", "b"] = "a"
    size: int | str = 1


def nothing() -> None:
    """Take nothing."""


def plain(number: int, text: str = "x", real: float | None = None, yes: bool = True) -> str:
    """Take plain values."""
    return f"{number}{text}{real}{yes}"


def groups(words: list[str], table: dict[str, int], kind: Literal["p", "q"] = "p") -> int:
    """Take groups."""
    return len(words) + len(table) + len(kind)


def choices(either: int | str, maybe: int | str | None = None) -> str:
    """Take one of several."""
    return f"{either}{maybe}"


def items(first: Item, more: list[Item] | None = None) -> str:
    """Take objects."""
    return f"{first}{more}"


@pytest.mark.parametrize("function", [nothing, plain, groups, choices, items])
@pytest.mark.parametrize("model", [PRO, FLASH, OLD])
def test_a_function_as_the_sdk_declares_it_passes(
    client: genai.Client, function: Callable[..., object], model: str
) -> None:
    config = types.GenerateContentConfig(tools=[function])

    assert client.models.generate_content(model=model, contents="hi", config=config).candidates


@pytest.mark.parametrize("schema", [Item, list[Item], list[str], int, int | str, Color])
def test_a_schema_as_the_sdk_makes_it_passes(client: genai.Client, schema: Any) -> None:
    mime = "text/x.enum" if schema is Color else "application/json"
    config = types.GenerateContentConfig(response_mime_type=mime, response_schema=schema)

    try:
        client.models.generate_content(model=PRO, contents="hi", config=config)
    except errors.ClientError as error:
        pytest.fail(f"{error}")
