"""The fake upstream itself: its shapes are the recorded ones, and it runs on its own."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geminid.engines.transport import Transport
from tests.fakes import shapes

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("GEMINID_SHARED", ROOT.parent / "shared"))
RECORDED = SHARED / "recorded" / "01_g3pro_text_and_toolcall_unary_and_stream.json"
TOOLS: dict[str, Any] = {"tools": [{"functionDeclarations": [{}]}]}


def shape(value: Any) -> Any:
    """Names and types, with the values left out; a list has the shape of its first element."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def fixtures() -> Iterator[tuple[str, Any, Any]]:
    recorded = json.loads(RECORDED.read_text())
    folder = "packages/google/src/__fixtures__"
    for name, asked in (("reasoning", {}), ("tool-call", TOOLS)):
        base = f"{folder}/google-{name}-gemini3"
        yield f"{name} whole", recorded[f"{base}.json"], shapes.gemini_unary(asked, "m")
        pieces = list(shapes.gemini_stream(asked, "m"))
        first, *_, last = (json.loads(piece.removeprefix(b"data: ")) for piece in pieces)
        chunks = recorded[f"{base}.chunks.txt"]
        yield f"{name} first chunk", chunks[0], first
        yield f"{name} last chunk", chunks[-1], last


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not on this machine")
def test_the_gemini_shapes_are_those_of_the_real_api() -> None:
    """Names and types.  Calls have ids since mid-2026; each recorded answer was thought about."""
    for name, real, fake in fixtures():
        del real["usageMetadata"]["thoughtsTokenCount"]
        for answer in (real, fake):
            for part in answer["candidates"][0]["content"]["parts"]:
                if "functionCall" in part:
                    part["functionCall"] = {"name": part["functionCall"]["name"]}
        assert shape(fake) == shape(real), name
        assert real["candidates"][0].get("finishReason") == fake["candidates"][0].get(
            "finishReason"
        ), name


async def test_it_runs_as_a_program_for_tests_in_other_processes() -> None:
    """It prints its port and answers there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.upstream", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    transport = Transport()
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        url = f"http://127.0.0.1:{port}/v1beta/models/m:generateContent"
        async with transport.open("POST", url, body=b"{}") as reply:
            body = json.loads(await reply.read())
    finally:
        await transport.close()
        process.kill()
        await process.wait()
    assert body["candidates"][0]["finishReason"] == "STOP"
