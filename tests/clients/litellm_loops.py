"""Tool loops of litellm as a client, held as tests/clients/worker.py asks for them.

Runs in an environment of its own (.venv/clients) and imports nothing else.
"""

import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches one as it is imported
import litellm
from openai import OpenAIError


def whole(wish: dict[str, Any], messages: list[Any]) -> Any:
    answer = litellm.completion(messages=messages, **wish)
    return answer.choices[0]


def streamed(wish: dict[str, Any], messages: list[Any]) -> Any:
    chunks = list(litellm.completion(messages=messages, stream=True, **wish))
    return litellm.stream_chunk_builder(chunks, messages=messages).choices[0]


def appended(message: Any) -> Any:
    return message


def by_hand(message: Any) -> Any:
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def converse(
    ask: Callable[..., Any], keep: Callable[[Any], Any], wish: dict[str, Any], asked: str
) -> Any:
    messages: list[Any] = [{"role": "user", "content": asked}]
    while True:
        choice = ask(wish, messages)
        gc.collect()
        calls = choice.message.tool_calls or []
        assert choice.finish_reason == ("tool_calls" if calls else "stop"), choice
        if not calls:
            return choice.message.content
        messages.append(keep(choice.message))
        for call in calls:
            arguments = json.loads(call.function.arguments)
            tell({"name": call.function.name, "arguments": arguments})
            done = sys.stdin.readline().strip()
            messages.append({"role": "tool", "tool_call_id": call.id, "content": done})


def tell(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    # Of a stream of OpenRouter's, litellm 1.106 drops the reader at `[DONE]` without closing it.
    # If the collector finds that while the connections are locked, closing it waits for that lock
    # for ever: so it may look only between two requests, and not at what was imported.
    gc.disable()
    gc.freeze()
    asking = {"whole": whole, "streamed": streamed}
    keeping = {"appended": appended, "byHand": by_hand}
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        provider, mode, kept = asked["way"].split()
        mount = "/api/v1" if provider == "openrouter" else "/v1"
        wish = {
            "model": f"{provider}/{asked['model']}",
            "api_base": asked["url"] + mount,
            "api_key": "any",
            "tools": asked["tools"],
            "num_retries": 0,
        }
        try:
            tell({"text": converse(asking[mode], keeping[kept], wish, asked["asked"])})
        except (OpenAIError, AssertionError) as error:
            tell({"error": repr(error)})


main()
