"""What Google answered, and what its own clients send, is against no rule."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.pipeline.rules.bodies import OLD, Tree
from tests.pipeline.rules.test_every_rule import notices

SHARED = Path(__file__).parents[4] / "shared"
PAIRS = SHARED / "recorded" / "10_lingua_request_response_pairs.json"
CASSETTE = SHARED / "recorded" / "06_validated_tool_mode_2.5flash.json"
CAPTURED = SHARED / "captured" / "gemini"
ASKED = re.compile(r"models/([^:/]+):(?:generateContent|streamGenerateContent)")

EVERYTHING = "02_generate_content_full.json"
"""Sets every field there is, to show how the client spells it: no model takes them all."""


def read(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


def captured() -> Iterator[tuple[str, Tree]]:
    for path in sorted(CAPTURED.glob("*.json")):
        for sent in read(path) if path.name != EVERYTHING else ():
            if (found := ASKED.search(sent["path"])) and isinstance(sent["body"], dict):
                yield found[1], sent["body"]


@pytest.mark.skipif(not PAIRS.exists(), reason="the recorded answers are not here")
def test_what_google_answered_is_let_pass() -> None:
    pairs = read(PAIRS)
    answered = [name for name in pairs if name.replace("request", "response") in pairs]
    requests = [dict(pairs[name]) for name in answered if name.endswith("request.json")]
    requests += [
        sent["request"]["body"] | {"model": ASKED.search(sent["request"]["uri"])[1]}  # type: ignore[index]
        for sent in read(CASSETTE)
        if sent["response"]["status"]["code"] == 200
    ]

    assert len(requests) >= 9
    for request in requests:
        notices(request, request.pop("model", OLD).removeprefix("models/"))


@pytest.mark.skipif(not CAPTURED.exists(), reason="what the clients sent is not here")
def test_what_googles_clients_send_is_let_pass() -> None:
    sent = list(captured())

    assert len(sent) >= 15
    for model, body in sent:
        notices(body, model)
