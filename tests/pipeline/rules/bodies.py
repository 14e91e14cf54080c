"""Bodies as clients send them, and what a rule makes of one."""

from typing import Any, TypeAlias

import msgspec

Tree: TypeAlias = dict[str, Any]

PRO = "gemini-3-pro-preview"
PRO_31 = "gemini-3.1-pro-preview"
FLASH = "gemini-3.8-flash"
OLD = "gemini-2.5-flash"
OLD_PRO = "gemini-2.5-pro"
PICTURES = "gemini-3-pro-image"
OLD_PICTURES = "gemini-2.5-flash-image"

SIG = "c2lnbmF0dXJl"
SEE = "Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
WHERE = "* GenerateContentRequest.generation_config"
FUNCTION = "* GenerateContentRequest.tools[0].function_declarations[0]"
PNG: Tree = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}


class Breach(msgspec.Struct, frozen=True):
    """`broken` is against the rule for `model` and is told `text`; `kept` passes it."""

    broken: Tree
    kept: Tree
    text: str
    model: str = PRO


def user(*parts: Tree | str) -> Tree:
    return {"role": "user", "parts": [_part(part) for part in parts]}


def model(*parts: Tree | str) -> Tree:
    return {"role": "model", "parts": [_part(part) for part in parts]}


def _part(part: Tree | str) -> Tree:
    return {"text": part} if isinstance(part, str) else part


def call(name: str = "f", signature: str = "") -> Tree:
    part: Tree = {"functionCall": {"name": name, "args": {}}}
    return part | {"thoughtSignature": signature} if signature else part


def response(name: str = "f") -> Tree:
    return {"functionResponse": {"name": name, "response": {"output": 1}}}


def said(*contents: Tree) -> Tree:
    return {"contents": list(contents)}


def asked(**fields: object) -> Tree:
    """A request that says hi, and `fields`."""
    return {"contents": [user("hi")], **fields}


def config(**fields: object) -> Tree:
    return asked(generationConfig=fields)


def thinking(**fields: object) -> Tree:
    return config(thinkingConfig=fields)


def declared(*functions: Tree, **fields: object) -> Tree:
    return asked(tools=[{"functionDeclarations": list(functions)}], **fields)


def function(name: str = "f", **fields: object) -> Tree:
    return {"name": name, "description": "d", **fields}


def takes(**schema: object) -> Tree:
    """A function with one parameter of this schema."""
    return declared(
        function(parameters={"type": "OBJECT", "properties": {"a": {"description": "a", **schema}}})
    )


def chosen(**fields: object) -> Tree:
    return {"functionCallingConfig": fields}


def tool(kind: str, **fields: object) -> Tree:
    return asked(tools=[{kind: {}}], **fields)


def safe(*categories: str) -> Tree:
    settings = [{"category": name, "threshold": "OFF"} for name in categories]
    return asked(safetySettings=settings)


TELL = {"includeServerSideToolInvocations": True}
OF_A = f"{FUNCTION}.parameters.properties[a]"
HARMS = (
    "HarmCategory.HARM_CATEGORY_HATE_SPEECH, HarmCategory.HARM_CATEGORY_SEXUALLY_EXPLICIT,"
    " HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT, HarmCategory.HARM_CATEGORY_HARASSMENT,"
    " HarmCategory.HARM_CATEGORY_CIVIC_INTEGRITY"
)
RATIOS = "`1:1`, `2:3`, `3:2`, `3:4`, `4:3`, `4:5`, `5:4`, `9:16`, `16:9`, `21:9`"
