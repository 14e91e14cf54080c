"""The bytes that travel: one prompt of 1.1 KB, one answer of 539 bytes, and a stream's events.

Both answers have the shape of recorded ones, so that a proxy that reads them has all to read.
"""

from typing import Final

MODEL: Final = "gemini-3-flash-preview"
KEY: Final = "bench-9c1f0e4a7b62d853"

ANSWER: Final = b"""{
  "candidates": [
    {
      "content": {
        "parts": [
          {
            "text": "A proxy is judged by what it adds: at best, so little."
          }
        ],
        "role": "model"
      },
      "finishReason": "STOP",
      "index": 0
    }
  ],
  "usageMetadata": {
    "promptTokenCount": 214,
    "candidatesTokenCount": 17,
    "totalTokenCount": 231,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 214}]
  },
  "modelVersion": "gemini-3-flash-preview",
  "responseId": "M3iLaY-AI7zTxN8P3Piw4Qg"
}
"""

_EVENT: Final = (
    b'data: {"candidates": [{"content": {"parts": [{"text": "%b"}],"role": "model"},%b"index": 0}],'
    b'"usageMetadata": {"promptTokenCount": 214,"candidatesTokenCount": %d,"totalTokenCount": %d},'
    b'"modelVersion": "gemini-3-flash-preview","responseId": "M3iLaY-AI7zTxN8P3Piw4Qg"}\r\n\r\n'
)
EVENT: Final = _EVENT % (b" It adds a little.", b"", 5, 219)
LAST_EVENT: Final = _EVENT % (b"", b'"finishReason": "STOP",', 17, 231)

_SENTENCE: Final = (
    "Between the client and the model stands a server, and here is sentence %02d of it. "
)


def prompt() -> bytes:
    """A `generateContent` body of 1.1 KB."""
    text = "".join(_SENTENCE % number for number in range(12))
    config = '"generationConfig":{"temperature":0.7,"maxOutputTokens":256}'
    return f'{{"contents":[{{"role":"user","parts":[{{"text":"{text}"}}]}}],{config}}}'.encode()


def stream_model(events: int) -> str:
    """The model id whose streams have `events` events, by the mock upstream's own rule."""
    return f"events-{events}"
