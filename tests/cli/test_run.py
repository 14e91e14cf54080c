"""`geminid run`: what is asked, what is printed, and how the exit code tells the ending."""

import asyncio
import base64
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import at_terminal, run
from tests.fakes import shapes
from tests.fakes.upstream import FakeUpstream
from tests.serving import environment

SAID = "".join(shapes.WORDS)


def asked(upstream: FakeUpstream) -> dict[str, object]:
    """The body of the last request."""
    return upstream.requests[-1].json()


def event(*parts: dict[str, Any], **candidate: Any) -> bytes:
    return shapes.gemini_event(shapes.gemini_object(list(parts), "fake", **candidate))


async def test_the_answer_is_printed_alone_on_standard_output(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    ran = await run(capsys, "run", "fake", "Say", "hello.", "--url", upstream.url)

    assert (ran.code, ran.out, ran.err) == (0, f"{SAID}\n", "")
    assert upstream.requests[-1].path == "/v1beta/models/fake:streamGenerateContent?alt=sse"
    assert asked(upstream) == {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}


async def test_every_wish_reaches_the_server(
    capsys: pytest.CaptureFixture[str],
    upstream: FakeUpstream,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (home / "schema.json").write_text('{"type": "object", "$id": "x"}')
    monkeypatch.setenv("GEMINID_KEY", "my key".replace(" ", "-"))
    wishes = "--system Be-brief. --max-tokens 9 --temperature 0.5 --think low --schema schema.json"

    ran = await run(capsys, "run", "models/fake", "Hi", *wishes.split(), "--url", upstream.url)

    assert ran.code == 0
    assert upstream.requests[-1].headers["x-goog-api-key"] == "my-key"
    body = asked(upstream)
    assert body["systemInstruction"] == {"parts": [{"text": "Be-brief."}]}
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"},
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "$id": "x"},
    }


async def test_files_go_before_the_words_text_as_text_and_media_as_data(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream, home: Path
) -> None:
    (home / "notes.md").write_text("# Grüße\n", encoding="utf-8")
    (home / "Makefile").write_text("all:\n")
    (home / "dot.png").write_bytes(b"\x89PNG")
    files = [f"--file={home / name}" for name in ("notes.md", "Makefile", "dot.png")]

    ran = await run(capsys, "run", "fake", "What?", *files, "--url", upstream.url)

    assert ran.code == 0
    assert asked(upstream)["contents"] == [
        {
            "role": "user",
            "parts": [
                {"text": "notes.md:\n```\n# Grüße\n```\n"},
                {"text": "Makefile:\n```\nall:\n```\n"},
                {
                    "inlineData": {
                        "mimeType": "image/png",
                        "data": base64.b64encode(b"\x89PNG").decode(),
                    }
                },
                {"text": "What?"},
            ],
        }
    ]


@pytest.mark.parametrize("words", [["-"], []])
async def test_standard_input_can_be_the_question(
    capsys: pytest.CaptureFixture[str],
    upstream: FakeUpstream,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Wie geht’s?\n".encode())))

    ran = await run(capsys, "run", "fake", *words, "--url", upstream.url)

    assert ran.code == 0
    assert asked(upstream)["contents"] == [{"role": "user", "parts": [{"text": "Wie geht’s?\n"}]}]


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["fake"], b"", "Nothing was asked; give a text, a file, or - for standard input."),
        (["fake", "-"], b"\xff", "Standard input is not text; give it with --file."),
        (
            ["fake", "--file", "gone.txt"],
            b"",
            "Cannot read gone.txt (No such file or directory); check the path.",
        ),
        (
            ["fake", "--file", "blob"],
            b"",
            "What blob holds cannot be told from its name; end it in .png, .pdf, .mp3, …",
        ),
        (["fake", "hi", "--schema", "blob"], b"", "blob is not a JSON Schema"),
        (["fake", "hi", "--temperature", "nan"], b"", "--temperature takes a number, not nan"),
        (["fake", "hi", "--temperature=-inf"], b"", "--temperature takes a number, not -inf"),
        (["fake", "hi", "--url", "nowhere"], b"", "nowhere is not an address; give one as"),
    ],
)
async def test_what_cannot_be_asked_ends_with_2(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    arguments: list[str],
    stdin: bytes,
    said: str,
) -> None:
    (home / "blob").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))

    ran = await run(capsys, "run", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"geminid: {said}")
    assert ran.err.count("\n") == 1


async def test_json_is_the_whole_answer_of_the_api(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    ran = await run(capsys, "run", "fake", "Hi", "--json", "--url", upstream.url)

    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == shapes.gemini_unary(asked(upstream), "fake")
    assert ran.out.startswith('{\n  "candidates"')


async def test_thoughts_stay_out_of_the_answer(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    ran = await run(capsys, "run", "fake", "Hi", "--think", "HIGH", "--url", upstream.url)

    assert (ran.code, ran.out, ran.err) == (0, f"{SAID}\n", "")


async def test_parts_without_text_are_named_or_written_out(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    upstream.sse(
        [
            event({"text": "Look: "}),
            event({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}),
            event({"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
            event({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}),
            event({"functionCall": {"name": "f", "args": {"a": 1}}}, finishReason="STOP"),
        ]
    )

    ran = await run(capsys, "run", "fake", "Hi", "--url", upstream.url)

    assert ran.code == 0
    assert ran.out == 'Look: \nprint(1)\n1\nf({"a":1})\n'
    assert ran.err == "[image/png: `--json` gives its data]\n"


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (
            {"finishReason": "MAX_TOKENS"},
            "The answer ended early (MAX_TOKENS): it came to its token limit; raise --max-tokens.",
        ),
        (
            {"finishReason": "SAFETY", "finishMessage": "Harm."},
            "The answer ended early (SAFETY): Harm.",
        ),
        ({"finishReason": "OTHER"}, "The answer ended early (OTHER)."),
    ],
)
async def test_an_answer_that_ended_early_ends_with_4(
    capsys: pytest.CaptureFixture[str],
    upstream: FakeUpstream,
    flags: list[str],
    ending: dict[str, Any],
    said: str,
) -> None:
    answer = shapes.gemini_object([{"text": "Once"}], "fake", **ending)
    if flags:
        upstream.reply(200, answer)
    else:
        upstream.sse([shapes.gemini_event(answer)])

    ran = await run(capsys, "run", "fake", "Hi", *flags, "--url", upstream.url)

    assert ran.code == 4
    assert "Once" in ran.out
    assert ran.err == f"geminid: {said}\n"


async def test_a_blocked_prompt_ends_with_4(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    upstream.sse([shapes.gemini_event({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})])

    ran = await run(capsys, "run", "fake", "Hi", "--url", upstream.url)

    assert (ran.code, ran.out) == (4, "")
    assert ran.err == "geminid: The prompt was blocked (PROHIBITED_CONTENT).\n"


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("fake-429", "Quota exceeded. (429)"),
        ("fake-503", "The model is overloaded. (503)"),
        ("fake-html", "the server gave no reason (502)"),
    ],
)
async def test_a_refusal_is_one_line_and_ends_with_1(
    capsys: pytest.CaptureFixture[str],
    upstream: FakeUpstream,
    flags: list[str],
    model: str,
    said: str,
) -> None:
    ran = await run(capsys, "run", model, "Hi", *flags, "--url", upstream.url)

    assert (ran.code, ran.out, ran.err) == (1, "", f"geminid: {said}\n")


async def test_a_server_with_callers_says_where_its_key_belongs(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    upstream.reply(400, {"error": {"code": 400, "message": "API key not valid. Pass another."}})

    ran = await run(capsys, "run", "fake", "Hi", "--url", upstream.url)

    assert ran.code == 1
    assert ran.err.splitlines()[-1].endswith("put one into GEMINID_KEY.")


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("cut", " stopped answering ("),
        ("reset", " stopped answering (Connection reset by peer); try again."),
        ("error", "It broke."),
    ],
)
async def test_a_failure_in_the_middle_keeps_what_came_and_ends_with_1(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream, scenario: str, said: str
) -> None:
    ran = await run(capsys, "run", f"fake-{scenario}", "Hi", "--url", upstream.url)

    assert ran.code == 1
    assert SAID.startswith(ran.out.strip())
    assert ran.out.endswith("\n") or not ran.out
    assert said in ran.err
    assert ran.err.count("\n") == 1


async def test_a_clean_close_without_an_ending_is_a_failure(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    upstream.sse([event({"text": "Half an answ"})])

    ran = await run(capsys, "run", "fake", "Hi", "--url", upstream.url)

    assert (ran.code, ran.out) == (1, "Half an answ\n")
    assert ran.err == "geminid: The upstream closed before a finish reason; try again.\n"


@pytest.mark.parametrize("flags", [[], ["--json"]])
async def test_what_is_not_the_api_at_all_is_a_failure(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream, flags: list[str]
) -> None:
    upstream.raw(b"SSH-2.0-OpenSSH\r\n")

    ran = await run(capsys, "run", "fake", "Hi", *flags, "--url", upstream.url)

    assert (ran.code, ran.out) == (3, "")
    assert f"{upstream.url} cannot be reached" in ran.err


async def test_a_server_that_is_not_there_ends_with_3(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    ran = await run(capsys, "run", "fake", "Hi", "--url", "http://127.0.0.1:1")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        "geminid: No server answers at http://127.0.0.1:1; start one with `geminid serve`.\n"
    )


async def test_notices_stand_beside_the_answer_unless_quiet(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream
) -> None:
    for flags, err in (([], "note: smoke-test model\nnote: retired\n"), (["-q"], "")):
        answer = shapes.gemini_event(
            shapes.gemini_object([{"text": "Hi"}], "fake", finishReason="STOP")
        )
        headers = [("x-geminid-notice", "smoke-test model; retired")]
        upstream.reply(200, answer, headers=headers, kind="text/event-stream")

        ran = await run(capsys, "run", "fake", "Hi", *flags, "--url", upstream.url)

        assert (ran.code, ran.out, ran.err) == (0, "Hi\n", err)


async def test_control_characters_reach_a_program_but_no_terminal(
    capsys: pytest.CaptureFixture[str], upstream: FakeUpstream, home: Path
) -> None:
    wild = "a\x1b]0;title\x07\x1b[31mb\tc\r\x9bd\n"
    for _ in range(2):
        upstream.sse([event({"text": wild}, finishReason="STOP")])

    piped = await run(capsys, "run", "fake", "Hi", "--url", upstream.url)
    shown = await asyncio.to_thread(
        at_terminal, home, "run", "fake", "Hi", "-q", "--url", upstream.url
    )

    assert piped.out == wild
    assert shown == (0, "a]0;title[31mb\tcd\n")


async def test_a_person_sees_thoughts_and_what_it_took(upstream: FakeUpstream, home: Path) -> None:
    code, seen = await asyncio.to_thread(
        at_terminal, home, "run", "fake", "Hi", "--think", "low", "--url", upstream.url
    )

    assert code == 0
    assert shapes.THOUGHT.strip() in seen
    assert SAID in seen
    assert "fake · 7 tokens in, 5 out + 4 thinking · 0." in seen


async def test_ctrl_c_ends_with_130_and_leaves_no_connection(
    upstream: FakeUpstream, home: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "geminid", "run", "fake-hang", "Hi", "--url", upstream.url),
        env=environment(home),
        stderr=subprocess.PIPE,
    )
    await upstream.until(lambda: upstream.active_streams == 1)
    process.send_signal(signal.SIGINT)

    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, err) == (130, b"")
    await upstream.until(lambda: upstream.open_connections == 0)


async def test_a_reader_that_has_enough_ends_it_quietly(upstream: FakeUpstream, home: Path) -> None:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "geminid", "run", "fake-slow", "Hi", "--url", upstream.url),
        env=environment(home),
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    first = await asyncio.to_thread(os.read, reading, 4)
    os.close(reading)

    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert first
    assert (process.returncode, err) == (1, b"")
    await upstream.until(lambda: upstream.open_connections == 0)
