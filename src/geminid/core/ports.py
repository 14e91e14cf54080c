"""What the pipeline needs from the outside, as protocols: engines, clocks, stores.

A port is what one policy needs and nothing more.  Implementations live in `engines` and `stores`;
`wiring` puts them together.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from geminid.core.errors import Unsupported
from geminid.core.events import Events
from geminid.core.request import Request
from geminid.core.usage import Usage


class Clock(Protocol):
    """Time, so that a test can hold it still."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; deadlines are on this one."""
        ...


class Context(msgspec.Struct, kw_only=True):
    """One request's circumstances; made by `http`, owned by the request.

    `deadline` is on `Clock.monotonic` and bounds all attempts together.  `notices` and `ignored`
    are gathered until the answer starts and then told in `x-geminid-notice` and
    `x-geminid-ignored`; so is what became of the thought signatures that came (`native`, `sealed`,
    `restored`, `bypassed`), in `x-geminid-signature`.  `require`: the caller would rather be
    refused than have a field ignored.  `shows`: thoughts are told also if nobody asked for them.
    """

    request_id: str
    caller: str
    deadline: float
    stream: bool
    notices: list[str] = []
    ignored: list[str] = []
    signatures: list[str] = []
    require: bool = False
    shows: bool = False

    def notice(self, text: str) -> None:
        """Tell the caller `text` once."""
        if text not in self.notices:
            self.notices.append(text)

    def ignore(self, field: str) -> None:
        """Tell the caller that `field` was not used.

        Raises:
            Unsupported: the caller requires every field.
        """
        if self.require:
            raise Unsupported(
                f"`{field}` cannot be used by the engine that serves this model, and"
                " `require_parameters` asks for all of them; leave one of the two out."
            )
        if field not in self.ignored:
            self.ignored.append(field)

    def signature(self, what: str) -> None:
        """Tell the caller what became of a signature that came with the request."""
        if what not in self.signatures:
            self.signatures.append(what)


class Health(msgspec.Struct, frozen=True):
    """Whether an engine can answer now, and if not, why and what to do."""

    ready: bool
    detail: str = ""


class TokenCount(msgspec.Struct, frozen=True):
    """How many tokens a prompt has; `estimated` when the engine cannot count exactly."""

    total: int
    usage: Usage = Usage()
    estimated: bool = False


class Engine(Protocol):
    """Gets an answer from one kind of place.

    `dialect` is the wire it speaks upstream (`""` if none); `model` is *its* name for the model.
    `native_signatures`: its upstream makes thought signatures itself and knows them again; what
    else comes back signed was sealed here.  Thoughts are always said, shown or not.
    """

    @property
    def dialect(self) -> str: ...

    @property
    def native_signatures(self) -> bool: ...

    def answer(self, request: Request, model: str, context: Context) -> Events:
        """Events of one answer, in the order of `core.events`.

        Asks upstream as a stream if `context.stream`, else unary; the events are the same.
        Closing the generator closes the upstream at once.  Raises `Fault`.
        """
        ...

    async def count(self, request: Request, model: str, context: Context) -> TokenCount:
        """Tokens of the prompt.  Raises `Fault`."""
        ...

    async def input_limit(self, model: str) -> int | None:
        """The most prompt tokens this engine takes, if it differs from the catalog's."""
        ...

    async def health(self) -> Health:
        """Whether the engine can answer now.  Never raises, answers within two seconds."""
        ...

    async def close(self) -> None:
        """Give back every connection.  Called after the last answer; again if one came late."""
        ...


class RelayHead(msgspec.Struct, frozen=True):
    """What the upstream's answer is: its content type.  Only good answers are relayed."""

    content_type: str


class RelayTail(msgspec.Struct, frozen=True):
    """How the relayed answer ended, read off its last bytes."""

    finish: str
    usage: Usage | None


Relay: TypeAlias = AsyncGenerator[RelayHead | bytes | RelayTail, None]
"""One `RelayHead`, then bytes in whole objects or events, then one `RelayTail`."""


@runtime_checkable
class ByteEngine(Protocol):
    """An engine that can pass bytes of its own dialect through untouched (the byte lane)."""

    def relay(self, body: bytes, model: str, context: Context) -> Relay:
        """Send `body` to `model` and pass on what comes, unary or as SSE by `context.stream`.

        Raises `Fault` as `Engine.answer` does, also when a stream stops before its end.
        """
        ...


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """How a request ended, for the journal and the request log.

    `outcome` is `ok`, a `Fault.code`, or `unconfirmed` (found in flight after a crash).  Times are
    epoch seconds; `first_byte` is 0 when nothing was sent.
    """

    request_id: str
    outcome: str
    finish: str
    usage: Usage | None
    ended: float
    first_byte: float = 0.0


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down before a request is sent anywhere.

    `hold_nusd` is the money held for it, in nano-dollars (0 until prices are known).
    """

    request_id: str
    started: float
    caller: str
    dialect: str
    model: str
    channel: str
    engine: str
    upstream_model: str
    stream: bool
    hold_nusd: int = 0


class Account(Protocol):
    """The book of what was sent and how it ended.

    Both calls append to the journal at once (about a microsecond, no fsync) and write rows behind.
    """

    def open(self, opening: Opening) -> None:
        """Write down that a request is about to be sent."""
        ...

    def settle(self, settlement: Settlement) -> None:
        """Write down how it ended.  At most once per request."""
        ...


class Sealer(Protocol):
    """Authenticated encryption of an engine's state in a thought signature (DESIGN section 3).

    A seal is standard base64, begins with `mark`, and opens only together with the very `bound`
    bytes that it was made with.
    """

    @property
    def mark(self) -> str: ...

    def seal(self, state: bytes, bound: bytes) -> str:
        """A new seal around `state`."""
        ...

    def open(self, seal: str, bound: bytes) -> bytes | None:
        """The state, or `None`: tampered with, bound to something else, or its key is gone."""
        ...


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A thought signature that left this server.

    `signature` is standard base64 as it left, native or sealed.  It is valid for models of `family`
    at its `origin` (`LiveChannel.origin`).  `name` is that of the function whose call it was on.
    """

    signature: str
    origin: str
    family: str
    name: str = ""


class Vault(Protocol):
    """Where signatures are kept until they come back or their time is over (DESIGN section 3)."""

    def place(self, *words: str) -> bytes:
        """The key for `words`, in order: a keyed hash that tells nobody the words."""
        ...

    async def find(self, places: Sequence[bytes]) -> Mapping[bytes, Kept]:
        """What is kept at `places`; a place that has nothing is not there.

        A store that cannot be read finds nothing, and says so to the operator.
        """
        ...

    async def keep(self, kept: Kept, places: Sequence[bytes]) -> None:
        """Keep `kept` at each of `places`, over what was there.

        Returns when that outlives this process, or cannot be had in time: an answer never fails
        for it, and the operator is told.  `find` sees it at once.
        """
        ...


class Meter(Protocol):
    """Counts what operators watch."""

    def contract(self, *, channel: str, model: str, stage: str, kept: bool) -> None:
        """An answer that had to keep to a schema or to its tools did (`kept`) or did not.

        `stage` is `first` for what came at first, `final` for what is left after asking again.
        """
        ...
