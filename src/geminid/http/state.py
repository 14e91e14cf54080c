"""What the app reads for each request; one reload swaps all of it at once."""

from collections.abc import Callable

import msgspec

from geminid.core.ports import Clock
from geminid.http.guards import Guards
from geminid.pipeline.auth import Callers
from geminid.pipeline.compile import Routes
from geminid.pipeline.rules import Rulebook
from geminid.pipeline.run import Runner


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a request depends on.

    `account_problem` says what keeps the book from being written, `""` if nothing does.  `body` is
    the largest body in bytes, `depth` and `parts` bound a request's nesting and parts, `deadline_s`
    bounds an answer with all its attempts.  `metrics` gives the page for those who watch.
    """

    routes: Routes
    callers: Callers
    guards: Guards
    rulebook: Rulebook
    runner: Runner
    clock: Clock
    account_problem: Callable[[], str]
    metrics: Callable[[], bytes]
    body: int
    depth: int
    parts: int
    deadline_s: float
