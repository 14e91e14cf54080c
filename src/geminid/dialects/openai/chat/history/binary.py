"""Binary data as text, however its writer spells it."""

from typing import Final

import msgspec

_URL_SAFE: Final = str.maketrans("-_", "+/")


def standard_base64(text: str) -> str | None:
    """`text` in standard base64 with padding, or `None` if it is not base64.

    Both alphabets are taken, padding may be missing, and white space is let out.
    """
    if "-" in text or "_" in text:
        text = text.translate(_URL_SAFE)
    found = _padded(text)
    return _padded("".join(text.split())) if found is None else found


def _padded(text: str) -> str | None:
    if len(text) % 4:
        text = text.rstrip("=")
        text += "=" * (-len(text) % 4)
    try:
        msgspec.convert(text, bytes)  # as strict as binascii, and four times as quick
    except msgspec.ValidationError:
        return None
    return text
