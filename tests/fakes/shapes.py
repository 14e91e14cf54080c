"""What the fake upstream says: answers in the shapes that Gemini and OpenAI-like servers send."""

from collections.abc import Iterator
from typing import Any

import msgspec

SIGNATURE = "EjQKMmEgc2lnbmF0dXJlIG9mIHRoZSBmYWtlIHVwc3RyZWFtLCBvcGFxdWUgYnl0ZXM="
WORDS = ("The ", "fake ", "upstream ", "says ", "hello.")
THOUGHT = "I should greet. "
CALL_NAME, CALL_ARGS = "get_weather", {"city": "Oslo"}
RESPONSE_ID = "fakeResponse0000000001"


def gemini_usage(output: int, *, thoughts: int = 0) -> dict[str, Any]:
    """`usageMetadata` with zero counts left out, as the API does."""
    usage: dict[str, Any] = {
        "promptTokenCount": 7,
        "candidatesTokenCount": output,
        "totalTokenCount": 7 + output + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}],
    }
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    return usage


def gemini_object(
    parts: list[dict[str, Any]], model: str, *, output: int = 5, thoughts: int = 0, **candidate: Any
) -> dict[str, Any]:
    """One response object; `candidate` adds fields such as `finishReason`."""
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, **candidate, "index": 0}],
        "usageMetadata": gemini_usage(output, thoughts=thoughts),
        "modelVersion": model,
        "responseId": RESPONSE_ID,
    }


def gemini_parts(asked: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """What a Gemini request gets: its parts and the finish message."""
    thinking = asked.get("generationConfig", {}).get("thinkingConfig", {})
    parts: list[dict[str, Any]] = []
    if thinking.get("includeThoughts"):
        parts.append({"text": THOUGHT, "thought": True})
    said = [part for content in asked.get("contents", []) for part in content.get("parts", [])]
    offers = any("functionDeclarations" in tool for tool in asked.get("tools", []))
    if offers and not (said and "functionResponse" in said[-1]):
        call = {"name": CALL_NAME, "args": CALL_ARGS, "id": "a1b2c3d4"}
        parts.append({"functionCall": call, "thoughtSignature": SIGNATURE})
        return parts, "Model generated function call(s)."
    parts.extend({"text": word} for word in WORDS)
    return parts, ""


def gemini_unary(asked: dict[str, Any], model: str) -> dict[str, Any]:
    """A whole `GenerateContentResponse`: texts of one kind are one part, signed."""
    parts, message = gemini_parts(asked)
    words = [part for part in parts if part.get("text") in WORDS]
    whole = [part for part in parts if part not in words]
    if words:
        whole.append({"text": "".join(WORDS), "thoughtSignature": SIGNATURE})
    ending: dict[str, Any] = {"finishReason": "STOP"}
    if message:
        ending["finishMessage"] = message
    return gemini_object(whole, model, thoughts=_thoughts(parts), **ending)


def gemini_stream(asked: dict[str, Any], model: str) -> Iterator[bytes]:
    """SSE chunks: one part each, then an empty text with the signature and the finish reason."""
    parts, message = gemini_parts(asked)
    thoughts = _thoughts(parts)
    for count, part in enumerate(parts, 1):
        yield gemini_event(gemini_object([part], model, output=count, thoughts=thoughts))
    last: dict[str, Any] = {"text": ""}
    if not message:  # a call was signed itself; the recorded streams have no finishMessage either
        last["thoughtSignature"] = SIGNATURE
    yield gemini_event(gemini_object([last], model, thoughts=thoughts, finishReason="STOP"))


def gemini_event(value: object) -> bytes:
    """One event in Google's framing."""
    return b"data: " + msgspec.json.encode(value) + b"\r\n\r\n"


def gemini_error(status: int, code: str, message: str, *details: Any) -> dict[str, Any]:
    """An error body; `details` are `google.rpc` objects."""
    error: dict[str, Any] = {"code": status, "message": message, "status": code}
    if details:
        error["details"] = list(details)
    return {"error": error}


def _thoughts(parts: list[dict[str, Any]]) -> int:
    return 4 if any(part.get("thought") for part in parts) else 0


def openai_usage(*, reasoning: int = 0) -> dict[str, Any]:
    """`usage` whose completion tokens include the reasoning, as OpenAI counts."""
    return {
        "prompt_tokens": 7,
        "completion_tokens": 5 + reasoning,
        "total_tokens": 12 + reasoning,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def openai_unary(asked: dict[str, Any]) -> dict[str, Any]:
    """A `chat.completion`."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    reasoning = _reasoning(asked)
    if reasoning:
        message[reasoning] = THOUGHT
    calls = _calls(asked)
    if calls:
        message["tool_calls"] = calls
    else:
        message["content"] = "".join(WORDS)
    return {
        "id": "chatcmpl-fake1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": asked.get("model", ""),
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": "tool_calls" if calls else "stop",
            }
        ],
        "usage": openai_usage(reasoning=4 if reasoning else 0),
        "system_fingerprint": None,
    }


def openai_stream(asked: dict[str, Any]) -> Iterator[bytes]:
    """`chat.completion.chunk` events up to `[DONE]`."""
    yield openai_chunk({"role": "assistant", "content": ""}, asked)
    reasoning = _reasoning(asked)
    if reasoning:
        yield openai_chunk({reasoning: THOUGHT}, asked)
    calls = _calls(asked)
    for index, call in enumerate(calls):
        function = call["function"]
        head = call | {"index": index, "function": function | {"arguments": ""}}
        yield openai_chunk({"tool_calls": [head]}, asked)
        arguments = function["arguments"]
        for piece in (arguments[:4], arguments[4:]):
            grown = {"index": index, "function": {"arguments": piece}}
            yield openai_chunk({"tool_calls": [grown]}, asked)
    for word in () if calls else WORDS:
        yield openai_chunk({"content": word}, asked)
    yield openai_chunk({}, asked, finish="tool_calls" if calls else "stop")
    if asked.get("stream_options", {}).get("include_usage"):
        usage = openai_usage(reasoning=4 if reasoning else 0)
        yield openai_event(_envelope(asked) | {"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def openai_chunk(delta: dict[str, Any], asked: dict[str, Any], finish: str | None = None) -> bytes:
    """One chunk of candidate 0."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return openai_event(_envelope(asked) | {"choices": [choice]})


def openai_event(value: object) -> bytes:
    """One event in OpenAI's framing."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def openai_error(message: str, kind: str, code: str | int | None = None) -> dict[str, Any]:
    """An error body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _envelope(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-fake1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": asked.get("model", ""),
    }


def _reasoning(asked: dict[str, Any]) -> str:
    if "reasoning" in asked:
        return "reasoning"
    return "reasoning_content" if asked.get("reasoning_effort", "none") != "none" else ""


def _calls(asked: dict[str, Any]) -> list[dict[str, Any]]:
    said = [message.get("role") for message in asked.get("messages", [])]
    if not asked.get("tools") or (said and said[-1] == "tool"):
        return []
    arguments = msgspec.json.encode(CALL_ARGS).decode()
    function = {"name": CALL_NAME, "arguments": arguments}
    return [{"id": "call_fake1", "type": "function", "function": function}]
