"""Hypothesis strategies for the language of the house: parts, requests, usage, answers, events.

All values are in canonical form, so that a dialect which can say them gives them back unchanged.
What is Gemini's alone (`Opaque`, `Extra`) is drawn in that dialect.
"""

import base64
from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st

from geminid.core.content import (
    EMPTY_OBJECT,
    Blob,
    Call,
    Code,
    CodeResult,
    Content,
    FileRef,
    Json,
    Modifiers,
    Opaque,
    Part,
    Result,
    Text,
    Thought,
    VideoSpan,
)
from geminid.core.events import Begin, Blocked, Delta, End, Event, PartEnd, PartStart, Tally
from geminid.core.request import (
    BuiltinTool,
    Extra,
    FunctionTool,
    OutputFormat,
    Request,
    Sampling,
    Thinking,
    ToolChoice,
)
from geminid.core.usage import ModalityCount, Usage

DIALECT = "gemini"


def json_of(value: object) -> Json:
    """`value` encoded as the codecs encode it."""
    return Json(msgspec.json.encode(value))


texts = st.text(max_size=12)
words = st.text(min_size=1, max_size=12)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
ids = st.sampled_from(["", "a1b2c3d4", "call-1"])
signatures = st.binary(min_size=1, max_size=9).map(lambda raw: base64.b64encode(raw).decode())
data = st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode())
int32s = st.integers(-(1 << 31), (1 << 31) - 1)
counts = st.integers(1, (1 << 31) - 1)
floats = st.floats(-3e38, 3e38)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3).map(json_of)


def modifiers() -> st.SearchStrategy[Modifiers | None]:
    """`None` or something; `thought` is left to `drafts`."""
    spans = st.builds(
        VideoSpan,
        start_offset=st.sampled_from(["", "1s", "1.5s"]),
        end_offset=st.sampled_from(["", "12.000000001s"]),
        fps=st.none() | st.floats(0.1, 24),
    )
    levels = ["", "MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_ULTRA_HIGH"]
    built = st.builds(
        Modifiers,
        resolution=st.sampled_from(levels),
        resolution_tokens=st.none() | counts,
        video=st.none() | spans,
        metadata=st.none() | objects,
    )
    return st.none() | built.filter(lambda found: found != Modifiers())


def drafts() -> st.SearchStrategy[Modifiers | None]:
    """As `modifiers`, for payloads that may be marked as thought."""
    marked = modifiers().map(
        lambda found: msgspec.structs.replace(found or Modifiers(), thought=True)
    )
    return modifiers() | marked


signed = st.just("") | signatures
mimes = st.sampled_from(["image/png", "audio/pcm;rate=24000", "text/plain", "video/mp4"])

text_parts = st.builds(Text, text=texts, signature=signed, modifiers=modifiers())
thought_parts = st.builds(Thought, text=texts, signature=signed, modifiers=modifiers())
blob_parts = st.builds(
    Blob, mime=mimes, data=data, name=texts, signature=signed, modifiers=drafts()
)
file_parts = st.builds(
    FileRef,
    uri=st.sampled_from(["https://x/v1beta/files/abc", "gs://b/o", "https://youtu.be/x"]),
    mime=st.just("") | mimes,
    signature=signed,
    modifiers=drafts(),
)
call_parts = st.builds(
    Call,
    name=names,
    args=st.just(EMPTY_OBJECT) | objects,
    id=ids,
    signature=signed,
    modifiers=drafts(),
)
result_parts = st.builds(
    Result,
    name=names,
    response=st.just(EMPTY_OBJECT) | objects,
    id=ids,
    media=st.lists(st.builds(Blob, mime=mimes, data=data, name=texts), max_size=2).map(tuple),
    will_continue=st.none() | st.booleans(),
    scheduling=st.sampled_from(["", "SILENT", "WHEN_IDLE", "INTERRUPT"]),
    signature=signed,
    modifiers=drafts(),
)
code_parts = st.builds(
    Code,
    code=texts,
    language=st.sampled_from(["", "PYTHON"]),
    id=ids,
    signature=signed,
    modifiers=drafts(),
)
code_result_parts = st.builds(
    CodeResult,
    outcome=st.sampled_from(["OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"]),
    output=texts,
    id=ids,
    signature=signed,
    modifiers=drafts(),
)
_OPAQUE = [
    ("toolCall", {"toolCall": {"id": "i", "toolType": "URL_CONTEXT", "args": {"urls": ["x"]}}}),
    ("toolResponse", {"toolResponse": {"id": "i", "toolType": "URL_CONTEXT", "response": {}}}),
    ("functionCall", {"functionCall": {"name": "f", "willContinue": True}}),
    ("text", {"text": "hi", "speechMetadata": {"speaker": "Ann"}, "thought": True}),
    ("inlineData", {"inlineData": {"data": ""}, "videoMetadata": {"contentLayers": ["AUDIO"]}}),
]
opaque_parts = st.builds(
    lambda form, signature: Opaque(
        dialect=DIALECT, kind=form[0], body=json_of(form[1]), signature=signature
    ),
    st.sampled_from(_OPAQUE),
    signed,
)
parts: st.SearchStrategy[Part] = st.one_of(
    text_parts,
    thought_parts,
    blob_parts,
    file_parts,
    call_parts,
    result_parts,
    code_parts,
    code_result_parts,
    opaque_parts,
)

contents = st.builds(
    Content, st.sampled_from(["user", "model"]), st.lists(parts, min_size=1, max_size=3).map(tuple)
)

schemas = st.recursive(
    st.sampled_from(
        [
            {"type": "STRING"},
            {"type": "STRING", "enum": ["a", "b"], "default": None},
            {"type": "INTEGER", "minimum": 1.0, "maxItems": 3},
        ]
    ),
    lambda inner: st.builds(
        lambda fields, item: {"type": "OBJECT", "properties": fields, "items": item},
        st.dictionaries(texts, inner, max_size=2),
        inner,
    ),
    max_leaves=4,
).map(json_of)


@st.composite
def function_tools(draw: st.DrawFn) -> FunctionTool:
    """A declared function; each of its schemas in one of the two languages, or absent."""
    languages = [draw(st.none() | st.booleans()) for _ in range(2)]
    drawn = [None if each is None else draw(objects if each else schemas) for each in languages]
    return FunctionTool(
        name=draw(names),
        description=draw(texts),
        parameters=drawn[0],
        json_schema=bool(languages[0]),
        response=drawn[1],
        response_json_schema=bool(languages[1]),
        behavior=draw(st.sampled_from(["", "NON_BLOCKING"])),
    )


builtin_tools = st.sampled_from(
    [
        BuiltinTool("googleSearch", EMPTY_OBJECT),
        BuiltinTool("urlContext", EMPTY_OBJECT),
        BuiltinTool("codeExecution", EMPTY_OBJECT),
        BuiltinTool("fileSearch", json_of({"fileSearchStoreNames": ["s"], "topK": 3})),
    ]
)
samplings = st.builds(
    Sampling,
    temperature=st.none() | floats,
    top_p=st.none() | floats,
    top_k=st.none() | int32s,
    seed=st.none() | int32s,
    max_output=st.none() | int32s,
    stop=st.lists(texts, max_size=3).map(tuple),
    candidates=st.none() | int32s,
    presence_penalty=st.none() | floats,
    frequency_penalty=st.none() | floats,
    logprobs=st.none() | st.booleans(),
    top_logprobs=st.none() | int32s,
)
outputs = st.builds(
    OutputFormat,
    st.sampled_from(["application/json", "text/x.enum"]),
    st.none() | schemas,
) | st.builds(OutputFormat, st.just(""), objects, st.just(True))
thinkings = st.builds(
    Thinking, st.sampled_from(["", "LOW", "HIGH"]), st.none(), st.none() | st.booleans()
) | st.builds(Thinking, st.just(""), int32s, st.none() | st.booleans())
# In the order in which a decoder finds them: what it takes apart is put back last.
_EXTRA = [
    ("cachedContent", "cachedContents/c1"),
    ("labels", {"team": "a", "": "ü"}),
    ("safetySettings", [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]),
    ("toolConfig", {"retrievalConfig": {"languageCode": "de"}}),
    ("generationConfig", {"imageConfig": {"aspectRatio": "16:9"}}),
]
extras = (
    st.sets(st.sampled_from(range(len(_EXTRA))), min_size=1)
    .map(sorted)
    .map(lambda chosen: Extra(DIALECT, json_of(dict(_EXTRA[number] for number in chosen))))
)
requests = st.builds(
    Request,
    model=st.just("gemini-3-pro-preview"),
    contents=st.lists(contents, min_size=1, max_size=3).map(tuple),
    system=st.lists(parts, max_size=2).map(tuple),
    functions=st.lists(function_tools(), max_size=2).map(tuple),
    builtins=st.lists(builtin_tools, max_size=2, unique_by=lambda tool: tool.kind).map(tuple),
    tool_choice=st.none()
    | st.builds(
        ToolChoice,
        st.sampled_from(["", "AUTO", "ANY", "NONE", "VALIDATED"]),
        st.lists(names, max_size=2).map(tuple),
    ),
    sampling=samplings,
    output=st.none() | outputs,
    thinking=st.none() | thinkings,
    modalities=st.lists(st.sampled_from(["TEXT", "IMAGE", "AUDIO"]), max_size=2).map(tuple),
    extra=st.none() | extras,
)

details = st.lists(
    st.builds(ModalityCount, st.sampled_from(["TEXT", "IMAGE", "AUDIO"]), counts), max_size=2
).map(tuple)
usages = st.builds(
    Usage,
    prompt=counts,
    output=counts,
    thoughts=counts,
    cached=counts,
    tool_use=counts,
    prompt_details=details,
    output_details=details,
    cache_details=details,
    tool_use_details=details,
    service_tier=st.sampled_from(["", "standard", "flex"]),
)

begins = st.builds(
    lambda response_id, model, extra: Begin(
        response_id, model, extra, DIALECT if extra is not None else ""
    ),
    st.just("") | names,
    st.just("") | names,
    st.none() | st.just(json_of({"modelStatus": {"modelStage": "PREVIEW"}})),
)
_ENDINGS = [
    None,
    json_of({"groundingMetadata": {"webSearchQueries": ["", "a"]}, "avgLogprobs": -0.5}),
    json_of({"citationMetadata": {"citationSources": [{"startIndex": 1, "uri": "x"}]}}),
]


def ends(candidate: int) -> st.SearchStrategy[End]:
    """How a candidate may end."""
    return st.builds(
        lambda reason, message, extra: End(
            reason, message, candidate, None, extra, DIALECT if extra is not None else ""
        ),
        st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"]),
        st.sampled_from(["", "Model generated function call(s)."]),
        st.sampled_from(_ENDINGS),
    )


blocks = st.builds(
    lambda reason, message, ratings: End("", blocked=Blocked(reason, ratings, message)),
    st.sampled_from(["SAFETY", "PROHIBITED_CONTENT"]),
    texts,
    st.none() | st.just(json_of([{"category": "HARM_CATEGORY_HARASSMENT"}])),
)
# An empty text without a signature says nothing, and Gemini's wire has no lasting form for it.
answer_parts = parts.filter(lambda part: bool(getattr(part, "text", "x") or part.signature))


@st.composite
def part_events(draw: st.DrawFn, part: Part, index: int, candidate: int) -> list[Event]:
    """One part as an engine may stream it: in pieces, its signature early or late."""
    late = bool(part.signature) and draw(st.booleans())
    start = msgspec.structs.replace(part, signature="") if late else part
    pieces: Sequence[str] = []
    match start:
        case Text() | Thought():
            pieces = draw(cuts(start.text))
            start = msgspec.structs.replace(start, text=pieces[0])
        case Code():
            pieces = draw(cuts(start.code))
            start = msgspec.structs.replace(start, code=pieces[0])
        case Call() if draw(st.booleans()):
            pieces = ["", *draw(cuts(bytes(start.args).decode()))]
            start = msgspec.structs.replace(start, args=EMPTY_OBJECT)
        case _:
            pass
    return [
        PartStart(index, start, candidate),
        *(Delta(index, piece, candidate) for piece in pieces[1:] if piece),
        PartEnd(index, part.signature if late else "", candidate),
    ]


@st.composite
def cuts(draw: st.DrawFn, text: str) -> list[str]:
    """`text` in up to four pieces; joined they are `text` again."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@st.composite
def events(draw: st.DrawFn, most: int = 2) -> list[Event]:
    """A whole answer by the rules of `core.events`, with up to `most` candidates, interleaved."""
    queues: list[list[Event]] = []
    for candidate in range(draw(st.integers(1, most))):
        drawn = draw(st.lists(answer_parts, max_size=3))
        pieces = [draw(part_events(part, n, candidate)) for n, part in enumerate(drawn)]
        queues.append([*(event for piece in pieces for event in piece), draw(ends(candidate))])
    told: list[Event] = [draw(begins)]
    tallies = draw(st.lists(usages, max_size=2))
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        told.append(queue.pop(0))
        counted: bool = draw(st.booleans())
        if tallies and counted:
            told.append(Tally(tallies.pop()))
    return told


blocked_events = st.builds(
    lambda begin, usage, end: [begin, *([Tally(usage)] if usage else []), end],
    begins,
    st.none() | usages,
    blocks,
)
