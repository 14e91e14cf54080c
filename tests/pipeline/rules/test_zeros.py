"""In proto3 a zero is the same as nothing, and so is a message of nothing: neither is refused.

Not so where a field has presence (`temperature: 0`), where an element of a list is meant, and where
a message is there by itself (`googleSearch: {}`).
"""

import pytest

from geminid import catalog as catalogs
from geminid.core.content import Opaque
from tests.pipeline.rules.bodies import (
    OLD,
    OLD_PICTURES,
    PICTURES,
    PRO,
    Tree,
    asked,
    chosen,
    config,
    declared,
    function,
    said,
    thinking,
    tool,
    user,
)
from tests.pipeline.rules.test_every_rule import decoded, notices, refusal

MODELS = sorted(model.id for model in catalogs.load().models if model.kind != "embedding")

VOICE: Tree = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": ""}}, "languageCode": ""}

EMPTY: dict[str, Tree] = {
    "generationConfig": config(),
    "stops": config(stopSequences=[]),
    "mime": config(responseMimeType=""),
    "schema": config(responseSchema={}),
    "schema of zeros": config(responseSchema={"type": "TYPE_UNSPECIFIED", "properties": {}}),
    "no modalities": config(responseModalities=[]),
    "a modality": config(responseModalities=["MODALITY_UNSPECIFIED"]),
    "modality by number": config(responseModalities=[0]),
    "imageConfig": config(imageConfig={}),
    "imageConfig of zeros": config(imageConfig={"aspectRatio": "", "imageSize": ""}),
    "speechConfig": config(speechConfig={}),
    "speechConfig of zeros": config(speechConfig=VOICE),
    "speakers": config(speechConfig={"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": []}}),
    "thinkingConfig": thinking(),
    "thinkingLevel": thinking(thinkingLevel="THINKING_LEVEL_UNSPECIFIED"),
    "includeThoughts": thinking(includeThoughts=False),
    "mediaResolution": config(mediaResolution="MEDIA_RESOLUTION_UNSPECIFIED"),
    "penalties": config(presencePenalty=0, frequencyPenalty=0.0),
    "logprobs": config(responseLogprobs=False, logprobs=0),
    "tools": asked(tools=[]),
    "tool": asked(tools=[{}]),
    "functions": asked(tools=[{"functionDeclarations": []}]),
    "servers": asked(tools=[{"mcpServers": []}]),
    "toolConfig": asked(toolConfig={}),
    "functionCallingConfig": asked(toolConfig=chosen()),
    "mode": asked(toolConfig=chosen(mode="MODE_UNSPECIFIED", allowedFunctionNames=[])),
    "told": asked(toolConfig={"includeServerSideToolInvocations": False}),
    "safety": asked(safetySettings=[]),
    "cache": asked(cachedContent=""),
    "system": asked(systemInstruction={}),
    "part": said(user({"text": "a", "mediaResolution": {}})),
    "part of zeros": said(
        user(
            {
                "text": "a",
                "thought": False,
                "mediaResolution": {"level": "MEDIA_RESOLUTION_UNSPECIFIED", "numTokens": 0},
            }
        )
    ),
}
"""Requests that are the same as one that only says hi."""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", EMPTY)
def test_nothing_is_refused_that_says_nothing(name: str, model: str) -> None:
    assert notices(EMPTY[name], model) == []


@pytest.mark.parametrize("model", [PRO, OLD])
@pytest.mark.parametrize(
    "fields",
    [
        {"parameters": {}},
        {"parameters": {"type": "TYPE_UNSPECIFIED"}},
        {"parameters": {"properties": {}, "required": [], "anyOf": []}},
        {"parameters": {"description": ""}, "response": {}},
        {"parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "enum": []}}}},
        {"parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "format": ""}}}},
        {
            "parameters": {
                "type": "OBJECT",
                "properties": {"a": {"type": "STRING", "properties": {}, "required": []}},
            }
        },
    ],
)
def test_a_schema_is_not_refused_for_what_it_does_not_say(fields: Tree, model: str) -> None:
    assert notices(declared(function(**fields)), model) == []


def test_no_answer_is_asked_for_in_a_form_of_zero() -> None:
    assert decoded(EMPTY["a modality"]).modalities == ()
    assert decoded(config(responseModalities=["MODALITY_UNSPECIFIED", "TEXT"])).modalities == (
        "TEXT",
    )


@pytest.mark.parametrize(
    ("tree", "model", "words"),
    [
        (config(topK=0), PRO, "top_k must be positive"),
        (config(maxOutputTokens=0), PRO, "max_output_tokens must be positive"),
        (config(stopSequences=[""]), PRO, "must not be empty"),
        (asked(safetySettings=[{}]), PRO, "element predicate failed"),
        (tool("googleSearchRetrieval"), PRO, "google_search_retrieval is not supported"),
        (tool("codeExecution"), PICTURES, "Code execution is not enabled"),
        (config(imageConfig={"aspectRatio": "1:1"}), PRO, "Aspect ratio is not enabled"),
        (config(speechConfig={"languageCode": "de"}), PRO, "Cannot extract voices"),
        (config(mediaResolution="MEDIA_RESOLUTION_LOW"), OLD_PICTURES, "Media resolution is not"),
        (asked(toolConfig=chosen(mode="AUTO")), PRO, "config is set without"),
        (config(responseSchema={"type": "STRING"}), PRO, "only allowed with response_mime_type"),
        (config(responseJsonSchema={}), PRO, "only allowed with response_mime_type"),
    ],
)
def test_what_has_presence_is_looked_at(tree: Tree, model: str, words: str) -> None:
    assert words in refusal(tree, model)


def test_a_part_that_the_core_has_no_word_for_is_not_looked_into() -> None:
    part = {"text": "a", "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}, "speechMetadata": {}}
    tree = said(user(part))

    assert isinstance(decoded(tree).contents[0].parts[0], Opaque)
    assert notices(tree) == []
