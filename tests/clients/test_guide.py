"""Google's own Gemini 3 guide: its snippets run with only the address and the key changed.

Python and JavaScript read both from their environment, so that not a letter of them is changed for
it; the REST ones name the address in their first line.  Answers come from a fake Google.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.guide import LANGUAGES, Snippet, snippets
from tests.clients.node import FOLDER
from tests.clients.node import node_modules as node_modules
from tests.fakes.gemini_agent import GeminiAgent, Turn, in_thread
from tests.fakes.upstream import Exchange, FakeUpstream
from tests.serving import Serving, environment, serving

SHARED = Path(os.environ.get("GEMINID_SHARED") or Path(__file__).parents[3] / "shared")
PAGES = sorted(SHARED.glob("seeds/002_*.txt"))
MODEL = "gemini-3-pro-preview"
GOOGLE = "https://generativelanguage.googleapis.com"
# The smallest JPEG that says what it is: a start, an end, and nothing between.
PICTURE = "/9j/2Q=="
FOUND = "The counter is read and written without a lock."
MATCH = {
    "winner": "Spain",
    "final_match_score": "2-1",
    "scorers": ["Nico Williams", "Cole Palmer", "Mikel Oyarzabal"],
}

pytestmark = [
    pytest.mark.skipif(not PAGES, reason=f"no copy of the guide in {SHARED / 'seeds'}"),
    pytest.mark.timeout(120),
]

SNIPPETS = snippets(PAGES[0]) if PAGES else []


class Google:
    """Answers in prose, or in JSON to who asks for it; `last` is the last request it took."""

    def __init__(self) -> None:
        self._prose = GeminiAgent({MODEL: (Turn(text=(FOUND,)),)})
        self._json = GeminiAgent({MODEL: (Turn(text=(json.dumps(MATCH),)),)})
        self.paths: list[str] = []

    async def __call__(self, exchange: Exchange) -> None:
        self.paths.append(exchange.seen.path)
        config = exchange.seen.json().get("generationConfig", {})
        structured = "responseJsonSchema" in config or "response_json_schema" in config
        await (self._json if structured else self._prose)(exchange)

    @property
    def last(self) -> dict[str, Any]:
        taken = self._prose.accepted + self._json.accepted
        return taken[-1].asked

    def forget(self) -> None:
        self._prose.forget()
        self._json.forget()


@pytest.fixture(scope="module")
def google() -> Google:
    return Google()


@pytest.fixture(scope="module")
def server(google: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with in_thread(FakeUpstream(answer=google)) as upstream:
        config = (
            f'[[channel]]\nname = "fake"\nengine = "google"\nbase_url = "{upstream.url}"\n'
            f'key = "env:FAKE_KEY"\nmodels = ["{MODEL}"]\n'
        )
        with serving(tmp_path_factory.mktemp("guide"), config, FAKE_KEY="k") as server:
            yield server


def run(
    snippet: Snippet, code: str, server: Serving, home: Path
) -> "subprocess.CompletedProcess[str]":
    """The snippet as its reader would run it, with another address and key."""
    match snippet.language:
        case "Python":
            command, folder = [sys.executable, "-c", code], home
        case "JavaScript":
            command, folder = ["node", "--input-type=module", "--eval", code], FOLDER
        case _:
            command, folder = ["sh", "-c", code.replace(GOOGLE, server.url)], home
    if shutil.which("curl" if snippet.language == "REST" else command[0]) is None:
        pytest.skip(f"what runs {snippet.language} is not installed on this machine")
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(home, GOOGLE_GEMINI_BASE_URL=server.url, GEMINI_API_KEY="any"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def of(example: str) -> pytest.MarkDecorator:
    """The snippets of one example, one test each."""
    found = [snippet for snippet in SNIPPETS if snippet.example == example]
    return pytest.mark.parametrize("snippet", found, ids=lambda snippet: snippet.language)


def told(snippet: Snippet, output: str) -> str:
    """What the snippet printed; of REST's the text of the answer."""
    if snippet.language != "REST":
        return output.strip()
    [candidate] = json.loads(output)["candidates"]
    return str(candidate["content"]["parts"][0]["text"])


@pytest.fixture(autouse=True)
def _only_this_test(google: Google) -> None:
    google.forget()


def test_the_page_has_three_examples_in_three_languages() -> None:
    assert [snippet.language for snippet in SNIPPETS] == [*LANGUAGES] * 3
    assert [snippet.example for snippet in SNIPPETS[::3]] == ["basic", "media", "structured"]


def test_what_is_mended_is_what_the_module_says() -> None:
    """So that "only address and key changed" stays true of the rest."""
    mended = {
        snippet.name: [
            line for line in snippet.mend().splitlines() if line not in snippet.code.splitlines()
        ]
        for snippet in SNIPPETS
        if snippet.mend().rstrip("\n") != snippet.code
    }

    assert list(mended) == ["basic, JavaScript", "structured, Python"]
    [contents] = mended["basic, JavaScript"]
    assert contents.startswith('contents: "')
    assert [line.split(":")[0] for line in mended["structured, Python"]] == [
        "    winner",
        "    final_match_score",
        "    scorers",
    ]


@pytest.mark.usefixtures("node_modules")
@of("basic")
def test_the_basic_example_runs(
    snippet: Snippet, google: Google, server: Serving, tmp_path: Path
) -> None:
    result = run(snippet, snippet.mend(), server, tmp_path)

    assert result.returncode == 0, result.stderr
    assert told(snippet, result.stdout) == FOUND
    [content] = google.last["contents"]
    assert content["parts"][0]["text"].endswith("C++ snippet: [code here]")


@pytest.mark.usefixtures("node_modules")
@of("media")
def test_the_media_example_runs_with_a_picture_for_the_dots(
    snippet: Snippet, google: Google, server: Serving, tmp_path: Path
) -> None:
    """On v1alpha, with a resolution in lower case on the part itself."""
    result = run(snippet, snippet.filled(PICTURE), server, tmp_path)

    assert result.returncode == 0, result.stderr
    assert told(snippet, result.stdout) == FOUND
    [content] = google.last["contents"]
    _, picture = content["parts"]
    blob = picture["inlineData"]
    assert blob.get("mimeType", blob.get("mime_type")) == "image/jpeg"
    assert blob["data"].translate(str.maketrans("-_", "+/")) == PICTURE
    assert picture["mediaResolution"]["level"].lower() == "media_resolution_high"


@pytest.mark.usefixtures("node_modules")
@of("media")
def test_dots_are_no_picture(snippet: Snippet, server: Serving, tmp_path: Path) -> None:
    """Python's decoder makes nothing of them, which is sent; the others send them as they are."""
    result = run(snippet, snippet.mend(), server, tmp_path)

    if snippet.language == "Python":
        assert result.returncode == 0, result.stderr
        assert told(snippet, result.stdout) == FOUND
        return
    assert "Base64 decoding failed" in result.stdout + result.stderr
    assert "contents[0].parts[1].inline_data.data" in result.stdout + result.stderr


@pytest.mark.usefixtures("node_modules")
@of("structured")
def test_the_structured_example_runs(
    snippet: Snippet, google: Google, server: Serving, tmp_path: Path
) -> None:
    """Search and pages to read, and an answer in the shape that was asked for."""
    result = run(snippet, snippet.mend(), server, tmp_path)

    assert result.returncode == 0, result.stderr
    printed = told(snippet, result.stdout)
    for value in ("Spain", "2-1", "Nico Williams", "Cole Palmer", "Mikel Oyarzabal"):
        assert value in printed
    tools = [name for tool in google.last["tools"] for name in tool]
    config = google.last["generationConfig"]
    assert tools == ["googleSearch", "urlContext"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["required"] == list(MATCH)
    assert config["responseJsonSchema"]["properties"]["scorers"]["items"] == {"type": "string"}
