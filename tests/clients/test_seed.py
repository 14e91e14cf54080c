"""AI/ML API's page on Gemini 3: its snippets run with only the address and the key changed.

A stored copy of the page (seed 001) is not part of this project: it is looked for as the recordings
are.  Its sample answer says which fields a caller finds.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gemini_agent import GeminiAgent, Turn, in_thread
from tests.fakes.upstream import FakeUpstream
from tests.serving import Serving, environment, serving

SHARED = Path(os.environ.get("GEMINID_SHARED") or Path(__file__).parents[3] / "shared")
PAGES = sorted(SHARED.glob("seeds/001_*.txt"))
MODEL = "gemini-3-pro-preview"
ADDRESS, KEY = "https://api.aimlapi.com/v1", "<YOUR_AIMLAPI_KEY>"
GREETING, THOUGHT = "Hello! How can I help you today?", "**Greeting**\n\nA hello. I greet back.\n"

pytestmark = [
    pytest.mark.skipif(not PAGES, reason=f"no copy of the page in {SHARED / 'seeds'}"),
    pytest.mark.timeout(120),
]


def fenced(language: str) -> str:
    """The page's one block of code in `language`, as printed."""
    [block] = re.findall(rf"```{language}\n(.*?)```", PAGES[0].read_text(), re.DOTALL)
    return str(block)


def run(language: str, server: Serving, home: Path) -> dict[str, Any]:
    """What the snippet prints: the answer."""
    code = fenced(language)
    assert (code.count(ADDRESS), code.count(KEY)) == (1, 2)  # the key's name is in a comment, too
    code = code.replace(ADDRESS, f"{server.url}/v1").replace(KEY, "any")
    command = [sys.executable, "-c"] if language == "python" else ["node", "--eval"]
    if shutil.which(command[0]) is None:
        pytest.skip(f"what runs {language} is not installed on this machine")
    result = subprocess.run(
        [*command, code],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def missing(sample: Any, answer: Any, at: str = "") -> Iterator[str]:
    """The places of the sample that the answer has not, or has in another kind of value."""
    match sample:
        case dict() if isinstance(answer, dict):
            for name, value in sample.items():
                if name in answer:
                    yield from missing(value, answer[name], f"{at}.{name}")
                else:
                    yield f"{at}.{name}"
        case [*wanted] if isinstance(answer, list):
            for number, value in enumerate(wanted):
                if number < len(answer):
                    yield from missing(value, answer[number], f"{at}[{number}]")
                else:
                    yield f"{at}[{number}]"
        case None:  # says nothing of what else may stand there
            pass
        case _ if type(sample) is not type(answer):
            yield f"{at}: {sample!r} is {answer!r}"


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server whose upstream thinks, says a greeting, and signs it."""
    agent = GeminiAgent({MODEL: (Turn(text=(GREETING,), thoughts=THOUGHT),)})
    with in_thread(FakeUpstream(answer=agent)) as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = ["{MODEL}"]\n'
        )
        with serving(tmp_path_factory.mktemp("seed"), config, FAKE_KEY="k") as server:
            yield server


every_language = pytest.mark.parametrize("language", ["python", "javascript"])


@every_language
def test_the_answer_holds_every_field_of_the_sample(
    language: str, google: Serving, tmp_path: Path
) -> None:
    answer = run(language, google, tmp_path)

    assert list(missing(json.loads(fenced("json5")), answer)) == []
    [choice] = answer["choices"]
    message = choice["message"]
    assert (message["content"], message["reasoning"]) == (GREETING, THOUGHT)
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", "STOP")
    assert answer["model"] == f"google/{MODEL}"
    assert answer["provider"] == "Google AI Studio"
    kinds = [detail["type"] for detail in message["reasoning_details"]]
    assert kinds == ["reasoning.text", "reasoning.encrypted"]


@every_language
def test_the_embedded_model_answers_with_the_same_fields(
    language: str, embedded: Serving, tmp_path: Path
) -> None:
    """It does not think, so that nothing is in `reasoning_details`."""
    answer = run(language, embedded, tmp_path)

    sample = json.loads(fenced("json5"))
    [said] = sample["choices"]
    said["message"] |= {"reasoning": None, "reasoning_details": []}
    assert list(missing(sample, answer)) == []
    assert answer["choices"][0]["message"]["content"]


def test_a_field_that_is_missing_or_of_another_kind_is_found() -> None:
    """So that the comparison above can fail."""
    sample = {"a": [{"b": 1}, {"c": "x"}], "d": None}

    assert list(missing(sample, {"a": [{"b": 1}, {"c": "y"}], "d": 2})) == []
    assert list(missing(sample, {"a": [{}, {"c": 3}]})) == [".a[0].b", ".a[1].c: 'x' is 3", ".d"]
