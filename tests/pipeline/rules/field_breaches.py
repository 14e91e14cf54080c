"""Requests with a field that is wrong by itself; such rules are told together."""

from tests.pipeline.rules.bodies import (
    FUNCTION,
    HARMS,
    OF_A,
    OLD,
    PNG,
    WHERE,
    Breach,
    config,
    declared,
    function,
    safe,
    said,
    takes,
    thinking,
    user,
)

FIELDS: dict[str, Breach] = {
    "range.temperature": Breach(
        config(temperature=2.0001),
        config(temperature=2),
        f"{WHERE}.temperature: temperature must be in the range [0.0, 2.0].\n",
    ),
    "range.top_p": Breach(
        config(topP=-0.1),
        config(topP=0),
        f"{WHERE}.top_p: top_p must be in the range [0.0, 1.0].\n",
    ),
    "range.top_k": Breach(
        config(topK=0), config(topK=1), f"{WHERE}.top_k: top_k must be positive.\n"
    ),
    "range.max_output_tokens": Breach(
        config(maxOutputTokens=0),
        config(maxOutputTokens=1),
        f"{WHERE}.max_output_tokens: max_output_tokens must be positive.\n",
    ),
    "range.candidate_count": Breach(
        config(candidateCount=9),
        config(candidateCount=8),
        f"{WHERE}.candidate_count: candidate_count must be in the range [1, 8].\n",
        OLD,
    ),
    "range.presence_penalty": Breach(
        config(presencePenalty=2.5),
        config(presencePenalty=0),
        f"{WHERE}.presence_penalty: presence_penalty must be in the range [-2.0, 2.0].\n",
    ),
    "range.frequency_penalty": Breach(
        config(frequencyPenalty=-5),
        config(frequencyPenalty=0),
        f"{WHERE}.frequency_penalty: frequency_penalty must be in the range [-2.0, 2.0].\n",
    ),
    "range.logprobs": Breach(
        config(logprobs=21),
        config(logprobs=20),
        f"{WHERE}.logprobs: logprobs must be in the range [0, 20].\n",
    ),
    "range.stop_sequences": Breach(
        config(stopSequences=list("abcdef")),
        config(stopSequences=list("abcde")),
        f"{WHERE}.stop_sequences: at most 5 stop sequences are allowed.\n",
    ),
    "range.stop_sequence": Breach(
        config(stopSequences=["a", ""]),
        config(stopSequences=["a", " "]),
        f"{WHERE}.stop_sequences[1]: stop sequence must not be empty.\n",
    ),
    "range.thinking_budget": Breach(
        thinking(thinkingBudget=-2),
        thinking(thinkingBudget=-1),
        f"{WHERE}.thinking_config.thinking_budget: thinking_budget must be -1 or more.\n",
        OLD,
    ),
    "output.mime": Breach(
        config(responseMimeType="text/html"),
        config(responseMimeType="application/yaml"),
        f"{WHERE}.response_mime_type: allowed mimetypes are `text/plain`, `application/json`,"
        " `application/xml`, `application/yaml` and `text/x.enum`.\n",
    ),
    "output.schema_mime": Breach(
        config(responseJsonSchema={"type": "object"}),
        config(responseJsonSchema={"type": "object"}, responseMimeType="application/json"),
        f"{WHERE}.response_json_schema: only allowed with response_mime_type `application/json`"
        " or `text/x.enum`\n",
    ),
    "output.enum_schema": Breach(
        config(responseMimeType="text/x.enum", responseSchema={"type": "STRING"}),
        config(responseMimeType="text/x.enum", responseSchema={"type": "STRING", "enum": ["a"]}),
        f"{WHERE}.response_schema: `text/x.enum` needs a schema of type STRING with an enum\n",
    ),
    "function.name": Breach(
        declared(function("ungültig")),
        declared(function("_a.b:c-9" + "x" * 120)),
        f"{FUNCTION}.name: Invalid function name. Must start with a letter or an underscore. Must"
        " be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with"
        " a maximum length of 128.\n",
    ),
    "schema.type": Breach(
        takes(),
        takes(anyOf=[{"type": "STRING"}, {"type": "NULL"}]),
        f"{OF_A}.type: must be specified when not using one_of, any_of or all_of fields\n",
    ),
    "schema.empty_object": Breach(
        declared(function(parameters={"type": "OBJECT", "properties": {}})),
        declared(function()),
        f"{FUNCTION}.parameters.properties: should be non-empty for OBJECT type\n",
        OLD,
    ),
    "schema.object_only": Breach(
        takes(type="STRING", properties={"b": {"type": "STRING"}}),
        takes(type="OBJECT", properties={"b": {"type": "STRING"}}),
        f"{OF_A}.properties: only allowed for OBJECT type\n",
    ),
    "schema.required": Breach(
        takes(type="OBJECT", properties={"b": {"type": "STRING"}}, required=["b", "c"]),
        takes(type="OBJECT", properties={"b": {"type": "STRING"}}, required=["b"]),
        f"{OF_A}.required[1]: property is not defined\n",
    ),
    "schema.items": Breach(
        takes(type="ARRAY"),
        takes(type="ARRAY", items={"type": "STRING"}),
        f"{OF_A}.items: missing field.\n",
    ),
    "schema.enum": Breach(
        takes(type="INTEGER", enum=["1"]),
        takes(type="STRING", enum=["1"]),
        f"{OF_A}.enum: only allowed for STRING type\n",
    ),
    "schema.enum_empty": Breach(
        takes(type="STRING", enum=[""]),
        takes(type="STRING", enum=[" "]),
        f"{OF_A}.enum[0]: cannot be empty\n",
    ),
    "schema.enum_missing": Breach(
        takes(type="STRING", format="enum"),
        takes(type="STRING", format="enum", enum=["a"]),
        f"{OF_A}.enum: should be non-empty for STRING type with enum format\n",
    ),
    "schema.format_string": Breach(
        takes(type="ARRAY", items={"type": "STRING", "format": "uri"}),
        takes(type="ARRAY", items={"type": "STRING", "format": "date-time"}),
        f"{OF_A}.items.format: only 'enum' and 'date-time' are supported for STRING type\n",
    ),
    "schema.format_number": Breach(
        takes(type="NUMBER", format="decimal"),
        takes(type="NUMBER", format="double"),
        f"{OF_A}.format: only 'float' and 'double' are supported for NUMBER type\n",
    ),
    "schema.format_integer": Breach(
        takes(anyOf=[{"type": "STRING"}, {"type": "INTEGER", "format": "uint8"}]),
        takes(anyOf=[{"type": "STRING"}, {"type": "INTEGER", "format": "int64"}]),
        f"{OF_A}.any_of[1].format: only 'int32' and 'int64' are supported for INTEGER type\n",
    ),
    "safety.category": Breach(
        safe("HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_MEDICAL"),
        safe("HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_CIVIC_INTEGRITY"),
        "* GenerateContentRequest.safety_settings[1]: element predicate failed: $.category in"
        f" ({HARMS})\n",
    ),
    "safety.duplicate": Breach(
        safe("HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HARASSMENT"),
        safe("HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH"),
        "* GenerateContentRequest.safety_settings[1]: only one setting is allowed for each"
        " category, HARM_CATEGORY_HARASSMENT has two\n",
    ),
    "media.part_kind": Breach(
        said(user("a", {"text": "b", "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}})),
        said(user("a", PNG | {"mediaResolution": {"level": "MEDIA_RESOLUTION_ULTRA_HIGH"}})),
        "* GenerateContentRequest.contents[0].parts[1].media_resolution: only allowed for media"
        " parts\n",
    ),
}
