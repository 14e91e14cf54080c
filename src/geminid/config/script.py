"""A script as frozen values: what the engine `script` plays.  docs/reference/scripts.md tells how
it is written; `script_file` reads it.
"""

import msgspec


class ScriptedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the model asks to be run.  `args` is the text of one JSON object."""

    name: str
    args: str = "{}"
    id: str = ""


class ScriptedCode(msgspec.Struct, frozen=True, kw_only=True):
    """Python that the model's side ran; without an `outcome`, its result is not told."""

    code: str
    outcome: str = ""
    output: str = ""


class ScriptedUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts to tell; `None` is counted by the player."""

    prompt: int | None = None
    output: int | None = None
    thoughts: int | None = None
    cached: int | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the model.

    `pieces` joined are `text`; without them a stream comes word by word.  A turn with a `block`
    refuses the prompt and says nothing else.  `line` is where the turn stands.
    """

    thoughts: tuple[str, ...] = ()
    code: tuple[ScriptedCode, ...] = ()
    text: str = ""
    pieces: tuple[str, ...] = ()
    calls: tuple[ScriptedCall, ...] = ()
    signature: str = ""
    finish: str = ""
    message: str = ""
    block: str = ""
    usage: ScriptedUsage = ScriptedUsage()
    line: int = 0


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Turns in their order, for one `model` (`""`: any) and for first messages that hold `when`."""

    turns: tuple[Turn, ...]
    model: str = ""
    when: str = ""
    line: int = 0


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """All of one file: `path` is absolute, the first conversation that fits is played."""

    path: str
    conversations: tuple[Conversation, ...]
