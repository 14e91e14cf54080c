"""What every dialect's answers tell in their headers, and what bounds every request."""

import math

from geminid.core.errors import Fault, RateLimited, TooLarge
from geminid.core.ports import Context
from geminid.core.request import Request
from geminid.http.exchange import Exchange, Headers
from geminid.http.send import header_text
from geminid.http.state import State
from geminid.pipeline.compile import Target


def told(exchange: Exchange, state: State, target: Target | None, context: Context) -> Headers:
    """Who answers (`target`, once it is known) and what became of the request, as headers."""
    headers: Headers = []
    if target is not None and state.callers.open:
        headers.append((b"x-geminid-channel", target.channel.name.encode()))
        headers.append((b"x-geminid-engine", target.channel.kind.encode()))
    if context.notices:
        headers.append((b"x-geminid-notice", header_text(context.notices)))
    if context.signatures:
        headers.append((b"x-geminid-signature", ", ".join(context.signatures).encode()))
    if context.ignored:
        headers.append((b"x-geminid-ignored", header_text([", ".join(context.ignored)])))
    return headers + state.guards.cors(exchange)


def retry_after(fault: Fault) -> Headers:
    """When to come again, in whole seconds, if anybody knows."""
    if not isinstance(fault, RateLimited) or fault.retry_after is None:
        return []
    return [(b"retry-after", str(math.ceil(fault.retry_after)).encode())]


def check_parts(request: Request, most: int) -> None:
    """Let a request with at most `most` parts pass.

    Raises:
        TooLarge: it has more.
    """
    if sum(len(content.parts) for content in request.contents) > most:
        raise TooLarge(
            f"The request has more than {most} parts; send fewer,"
            " or raise [limits] parts on the server."
        )
