"""Fields by the names that callers of this dialect know.

Engines name what they cannot use by its path in Gemini's requests, the house's own words.
"""

from typing import Final

_NAMES: Final = {
    "contents.parts.functionResponse.scheduling": "messages.content",
    "contents.parts.mediaResolution": "messages.content.image_url.detail",
    "contents.parts.thought": "messages.reasoning",
    "contents.parts.thoughtSignature": "messages.extra_content",
    "contents.parts.videoMetadata": "messages.content.video_url",
    "generationConfig.candidateCount": "n",
    "generationConfig.frequencyPenalty": "frequency_penalty",
    "generationConfig.imageConfig": "image_config",
    "generationConfig.presencePenalty": "presence_penalty",
    "generationConfig.speechConfig": "audio",
    "generationConfig.stopSequences": "stop",
    "generationConfig.thinkingConfig": "reasoning",
    "generationConfig.thinkingConfig.includeThoughts": "include_reasoning",
    "generationConfig.topK": "top_k",
    "safetySettings": "safety_settings",
    "serviceTier": "service_tier",
    "toolConfig": "tool_choice",
    "toolConfig.functionCallingConfig.mode": "tool_choice",
}


def caller_path(path: str) -> str:
    """What the caller calls the field at `path`; `path` itself if it is no other."""
    return _NAMES.get(path, path)
