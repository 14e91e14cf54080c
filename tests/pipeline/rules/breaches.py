"""For every rule of the table a request that breaks it, and the nearest one that does not."""

from tests.pipeline.rules.bodies import (
    OLD,
    OLD_PICTURES,
    OLD_PRO,
    PICTURES,
    PNG,
    PRO_31,
    RATIOS,
    SEE,
    SIG,
    TELL,
    WHERE,
    Breach,
    asked,
    call,
    chosen,
    config,
    declared,
    function,
    model,
    response,
    said,
    thinking,
    tool,
    user,
)
from tests.pipeline.rules.field_breaches import FIELDS

MODELS: dict[str, Breach] = {
    "thinking.both": Breach(
        thinking(thinkingLevel="LOW", thinkingBudget=8),
        thinking(thinkingLevel="LOW"),
        "You can only set only one of thinking budget and thinking level.",
    ),
    "thinking.off": Breach(
        thinking(thinkingBudget=8),
        thinking(includeThoughts=True),
        "Thinking is not enabled for this model",
        OLD_PICTURES,
    ),
    "thinking.no_levels": Breach(
        thinking(thinkingLevel="LOW"),
        thinking(thinkingBudget=1024),
        "Thinking level is not supported for this model.",
        OLD,
    ),
    "thinking.level": Breach(
        thinking(thinkingLevel="MINIMAL"),
        thinking(thinkingLevel="low"),
        "Thinking level MINIMAL is not supported for this model. Please retry with other thinking"
        " level.",
    ),
    "thinking.zero": Breach(
        thinking(thinkingBudget=0),
        thinking(thinkingBudget=128),
        "Budget 0 is invalid. This model only works in thinking mode.",
        OLD_PRO,
    ),
    "thinking.budget": Breach(
        thinking(thinkingBudget=127),
        thinking(thinkingBudget=128),
        "The thinking budget 127 is invalid. Please choose a value between 128 and 32768.",
        OLD_PRO,
    ),
    "model.candidates": Breach(
        config(candidateCount=2),
        config(candidateCount=1),
        "Multiple candidates is not enabled for this model",
    ),
    "model.penalties_2": Breach(
        config(presencePenalty=0.5),
        config(presencePenalty=0),
        "Penalty is not enabled for models/gemini-2.5-flash",
        OLD,
    ),
    "model.penalties": Breach(
        config(frequencyPenalty=0.5),
        config(frequencyPenalty=0),
        "Penalty is not enabled for this model",
    ),
    "model.logprobs_2": Breach(
        config(responseLogprobs=True),
        config(responseLogprobs=False),
        "Logprobs is not enabled for models/gemini-2.5-flash",
        OLD,
    ),
    "model.logprobs": Breach(
        config(responseLogprobs=True, logprobs=3),
        config(responseLogprobs=False),
        "Logprobs is not enabled for this model",
    ),
    "model.modalities": Breach(
        config(responseModalities=["TEXT", "IMAGE"]),
        config(responseModalities=["TEXT"]),
        "The requested combination of response modalities (TEXT, IMAGE) is not supported by the"
        " model. models/gemini-3-pro-preview accepts the following combination of response"
        " modalities:\n* TEXT\n",
    ),
    "model.speech": Breach(
        config(speechConfig={"languageCode": "de-DE"}),
        config(responseModalities=["TEXT"]),
        "Cannot extract voices from a non-audio request.",
    ),
    "model.images": Breach(
        config(imageConfig={"aspectRatio": "1:1"}),
        config(),
        "Aspect ratio is not enabled for this model",
    ),
    "image.aspect_ratio": Breach(
        config(imageConfig={"aspectRatio": "8:1"}),
        config(imageConfig={"aspectRatio": "21:9"}),
        f"{WHERE}.image_config.aspect_ratio: aspect_ratio must be one of {RATIOS}.",
        PICTURES,
    ),
    "image.size_off": Breach(
        config(imageConfig={"imageSize": "1K"}),
        config(imageConfig={"aspectRatio": "16:9"}),
        "Image size is not enabled for this model",
        OLD_PICTURES,
    ),
    "image.size": Breach(
        config(imageConfig={"imageSize": "512"}),
        config(imageConfig={"imageSize": "4K"}),
        f"{WHERE}.image_config.image_size: image_size must be one of `1K`, `2K`, `4K`.",
        PICTURES,
    ),
    "media.resolution": Breach(
        config(mediaResolution="MEDIA_RESOLUTION_HIGH"),
        config(),
        "Media resolution is not enabled for this model",
        PICTURES,
    ),
    "media.part_resolution": Breach(
        said(user(PNG | {"mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}})),
        {"contents": [user(PNG)], "generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}},
        "Per part media resolution is not supported for this Model.",
        OLD,
    ),
    "output.json_off": Breach(
        config(responseMimeType="application/json"),
        config(responseMimeType="text/plain"),
        "JSON mode is not enabled for this model",
        OLD_PICTURES,
    ),
}
"""Rules about what a model is and is not."""

TOOLS: dict[str, Breach] = {
    "function.count": Breach(
        declared(*[function(f"f{number}") for number in range(513)]),
        declared(*[function(f"f{number}") for number in range(512)]),
        "* GenerateContentRequest.tools[0].function_declarations: At most 512 function declarations"
        " can be specified.",
    ),
    "tool.functions": Breach(
        declared(function()),
        tool("googleSearch"),
        "Function calling is not enabled for this model",
        PICTURES,
    ),
    "tool.google_maps": Breach(
        tool("googleMaps"), tool("googleSearch"), "Google Maps tool is not enabled for this model"
    ),
    "tool.computer_use": Breach(
        asked(tools=[{"computerUse": {"environment": "ENVIRONMENT_BROWSER"}}]),
        tool("codeExecution"),
        "Computer Use is not enabled for models/gemini-3-pro-preview",
    ),
    "tool.google_search": Breach(
        tool("googleSearch"), asked(), "Search Grounding is not supported.", OLD_PICTURES
    ),
    "tool.google_search_retrieval": Breach(
        tool("googleSearchRetrieval"),
        tool("googleSearch"),
        "google_search_retrieval is not supported. Please use google_search tool instead.",
    ),
    "tool.url_context": Breach(
        tool("urlContext"), tool("googleSearch"), "Browse tool is not supported.", PICTURES
    ),
    "tool.code_execution": Breach(
        tool("codeExecution"),
        tool("googleSearch"),
        "Code execution is not enabled for models/gemini-3-pro-image",
        PICTURES,
    ),
    "tool.file_search": Breach(
        tool("fileSearch"),
        tool("googleSearch"),
        "File search tool is not enabled for this model",
        PICTURES,
    ),
    "tool.mcp_servers": Breach(
        asked(tools=[{"mcpServers": [{"name": "x"}]}]),
        tool("googleSearch"),
        "MCP tool is not enabled for this model",
        PICTURES,
    ),
    "tool.circulation": Breach(
        tool("googleSearch", toolConfig=TELL),
        tool("googleSearch"),
        "Tool call context circulation is not enabled for models/gemini-2.5-flash",
        OLD,
    ),
    "tool.with_functions_2": Breach(
        asked(tools=[{"functionDeclarations": [function()]}, {"googleSearch": {}}]),
        declared(function()),
        "Tool use with function calling is unsupported",
        OLD,
    ),
    "tool.with_functions": Breach(
        asked(tools=[{"functionDeclarations": [function()]}, {"googleSearch": {}}]),
        asked(
            tools=[{"functionDeclarations": [function()]}, {"googleSearch": {}}], toolConfig=TELL
        ),
        "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with"
        " Function calling.",
    ),
    "tool.with_json": Breach(
        tool("googleSearch", generationConfig={"responseMimeType": "application/json"}),
        tool("googleSearch", generationConfig={"responseMimeType": "text/plain"}),
        "Tool use with a response mime type: 'application/json' is unsupported",
        OLD,
    ),
    "function.with_json": Breach(
        declared(function(), generationConfig={"responseMimeType": "application/json"}),
        declared(function()),
        "Function calling with a response mime type: 'application/json' is unsupported",
        OLD,
    ),
    "function.duplicate": Breach(
        declared(function("a"), function("b"), function("a")),
        declared(function("a"), function("b"), function("A")),
        "Duplicate function declaration found: a",
    ),
    "function.parameters": Breach(
        declared(function(parameters={"type": "STRING"})),
        declared(function(parametersJsonSchema={"type": "string"})),
        "`f` functionDeclaration parameters schema should be of type OBJECT.",
    ),
    "function.choice": Breach(
        tool("googleSearch", toolConfig=chosen(mode="AUTO")),
        tool("googleSearch"),
        "Function calling config is set without function_declarations.",
    ),
    "function.allowed_mode": Breach(
        declared(function(), toolConfig=chosen(mode="AUTO", allowedFunctionNames=["f"])),
        declared(function(), toolConfig=chosen(mode="VALIDATED", allowedFunctionNames=["f"])),
        "allowed_function_names should only be set when the function calling mode is ANY or"
        " VALIDATED.",
    ),
    "function.allowed_name": Breach(
        declared(function(), toolConfig=chosen(mode="ANY", allowedFunctionNames=["f", "g"])),
        declared(function(), toolConfig=chosen(mode="ANY", allowedFunctionNames=["f"])),
        "allowed_function_names[1] is g, which is not among the function_declarations.",
    ),
}
"""Rules about tools."""

CONVERSATIONS: dict[str, Breach] = {
    "order.call": Breach(
        said(model(call(signature=SIG)), user(response())),
        said(user("go"), model(call(signature=SIG)), user(response())),
        "Please ensure that function call turn comes immediately after a user turn or after a"
        " function response turn.",
    ),
    "order.response": Breach(
        said(user("go"), model("no"), user(response())),
        said(user("go"), model("yes", call(signature=SIG)), user(response())),
        "Please ensure that function response turn comes immediately after a function call turn.",
    ),
    "order.count": Breach(
        said(user("go"), model(call(signature=SIG), call("g")), user(response())),
        said(user("go"), model(call(signature=SIG), call("g")), user(response(), response("g"))),
        "Please ensure that the number of function response parts is equal to the number of"
        " function call parts of the function call turn.",
    ),
    "signature.missing": Breach(
        said(
            user("go"),
            model(call("a", SIG)),
            user(response("a")),
            model(call("b"), call("c", SIG)),
            user(response("b"), response("c")),
        ),
        said(
            user("go"),
            model(call("a", SIG)),
            user(response("a")),
            model(call("b", SIG), call("c")),
            user(response("b"), response("c")),
        ),
        "Function call is missing a thought_signature in functionCall parts. This is required for"
        " tools to work correctly, and missing thought_signature may lead to degraded model"
        f" performance. Additional data, function call `default_api:b` , position 4. {SEE}",
    ),
    "signature.image": Breach(
        said(user("draw"), model(PNG), user("bluer")),
        said(user("draw"), model(PNG | {"thoughtSignature": SIG}), user("bluer")),
        f"Image part is missing a thought_signature in content position 2, part position 1. {SEE}",
        PICTURES,
    ),
    "signature.text": Breach(
        said(
            user("draw"),
            model({"text": "hm", "thought": True}, "Here.", PNG | {"thoughtSignature": SIG}),
            user("bluer"),
        ),
        said(
            user("draw"),
            model({"text": "hm", "thought": True}, PNG | {"thoughtSignature": SIG}, "Here."),
            user("bluer"),
        ),
        f"Text part is missing a thought_signature in content position 2, part position 2. {SEE}",
        PICTURES,
    ),
}
"""Rules about what was said."""

REFUSED = FIELDS | MODELS | TOOLS | CONVERSATIONS

ADVISED: dict[str, Breach] = {
    "advice.temperature": Breach(
        config(temperature=0.2),
        config(temperature=1),
        "a temperature below 1.0 can make Gemini 3 loop or answer worse: leave it out",
    ),
    "advice.chain_of_thought": Breach(
        said(user("Is 91 prime? Think step by step.")),
        said(user("Is 91 prime?"), model("Think step by step"), user("Yes.")),
        "Gemini 3 thinks by itself: ask for the answer, and set thinkingLevel instead of asking for"
        " steps",
    ),
    "advice.question_first": Breach(
        said(user("Who did it?", "word " * 3000)),
        said(user("word " * 3000, "Who did it?")),
        "put the question after long data, not before it: Gemini 3 answers better",
    ),
    "advice.masks": Breach(
        said(user("Give me segmentation masks of all cats", PNG)),
        said(user("Give me segmentation masks of all cats")),
        "Gemini 3 makes no pixel masks: ask gemini-2.5-flash with thinkingBudget 0",
    ),
    "advice.thinking_budget": Breach(
        thinking(thinkingBudget=1024),
        thinking(thinkingLevel="low"),
        "thinkingBudget is for older models: thinkingLevel is more predictable on Gemini 3",
        PRO_31,
    ),
}

DECODED: dict[str, Breach] = {
    "content.role": Breach(
        said({"role": "system", "parts": [{"text": "a"}]}),
        said({"role": "function", "parts": [{"text": "a"}]}),
        "Please use a valid role: user, model.",
    ),
    "function.both_schemas": Breach(
        declared(function(parameters={"type": "OBJECT"}, parametersJsonSchema={})),
        declared(function(parametersJsonSchema={})),
        "Only one of `parameters` and `parametersJsonSchema` may be set in a function declaration.",
    ),
    "output.both_schemas": Breach(
        config(responseSchema={}, responseJsonSchema={}, responseMimeType="application/json"),
        config(responseJsonSchema={}, responseMimeType="application/json"),
        "Only one of `responseSchema` and `responseJsonSchema` may be set.",
    ),
    "media.ultra_high": Breach(
        config(mediaResolution="MEDIA_RESOLUTION_ULTRA_HIGH"),
        config(mediaResolution="MEDIA_RESOLUTION_HIGH"),
        "Invalid value at 'generation_config.media_resolution' (type.googleapis.com/google.ai."
        "generativelanguage.v1beta.GenerationConfig.MediaResolution),"
        ' "MEDIA_RESOLUTION_ULTRA_HIGH"',
    ),
}
"""Rules that are kept before the book is opened."""

ELSEWHERE = {"signature.invalid", "signature.corrupted", "input.limit"}
"""Rules that are kept by policies, and broken in those policies' own tests."""
