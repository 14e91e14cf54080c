"""Why a measurement did not happen."""


class Missing(Exception):
    """Something that the measuring needs is not installed; the text says how to get it."""


class Invalid(Exception):
    """What was measured did not do its work, so its figures mean nothing.

    A non-2xx, a cut stream, an unchecked key, a process that died: whoever answers an error fast
    is not fast.
    """
