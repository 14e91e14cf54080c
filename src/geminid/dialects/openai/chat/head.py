"""What every object of one answer repeats, and what its caller wants to see of it."""

import msgspec

from geminid.dialects.openai.chat.functions import Functions


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """One answer's own circumstances.

    `id` is `gen-<unix time>-<20 letters and digits>`, `created` in epoch seconds, `model` the name
    that the caller asked by, `provider` who answered, in words.  `usage`: a stream ends with a
    chunk of counts.  `reasoning`: the words of thoughts may be shown.  `extended`: with the fields
    that only aggregators have (reasoning, provider, cost); without, OpenAI's own and signatures.
    `errors_as_choices`: a stream that fails says so in a choice too, as OpenRouter does, and its
    error codes are numbers.  `audio_format` is what sound was asked for in.
    """

    id: str
    created: int
    model: str
    provider: str
    functions: Functions = Functions()
    usage: bool = False
    reasoning: bool = True
    extended: bool = True
    errors_as_choices: bool = False
    audio_format: str = ""
