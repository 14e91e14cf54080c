"""What can go wrong with state: at start (`StateUnusable`) and in a request (`JournalFull`)."""

from geminid.core.errors import Overloaded


class StateUnusable(Exception):
    """The home folder, its journal or its database cannot be used, so the server cannot start.

    The text is for the operator: what happened, where, and what to do.
    """


class JournalFull(Overloaded):
    """The request could not be written down, so it must not be sent; another try can succeed.

    `detail` is for the caller and names no path; the operator's text is `Journal.check`.
    """

    code = "journal_full"
