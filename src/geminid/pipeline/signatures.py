"""Policy: thought signatures, on the way in and on the way out (DESIGN section 3, gemini.md 3).

On the way in each signature is one of four: a documented bypass string, one that was sealed here,
one of the upstream's own (`native`), or none that anybody here can read.  A seal is opened and the
thoughts in it stand before its part again, for the engine that thought them.  Of what cannot be
read, that of the current turn is refused as the real API refuses it; an older one is left out.

On the way out, of an engine that makes none itself: the first call of each group is signed, or the
last part of an answer that has thoughts and no call; thoughts themselves never are.  Image models
sign otherwise (`_Writer`).
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import aclosing
from itertools import groupby
from typing import Final

import msgspec

from geminid.catalog import Model
from geminid.core.content import Blob, Call, Content, Json, Modifiers, Part, Text, Thought
from geminid.core.errors import Invalid
from geminid.core.events import Delta, End, Event, Events, PartEnd, PartStart
from geminid.core.fold import closed
from geminid.core.ports import Context, Sealer
from geminid.core.request import Request
from geminid.pipeline.compile import Target
from geminid.pipeline.turn import current_turn, spelled

BYPASS: Final = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""What Google's documents say to send where no signature was ever made (gemini.md section 3.2)."""

_MOST_STATE: Final = 1 << 20
"""Longer thoughts are not kept: a client has to send every signature back."""


def _raw(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")


_BYPASS_BYTES: Final = frozenset(
    spelling for text in BYPASS for spelling in (text.encode(), _raw(text))
)
"""A client may send the words as they are, which is base64 by chance, or encode them as bytes."""
_LONGEST_BYPASS: Final = 60
SKIP: Final = b64encode(_raw(BYPASS[0])).decode()
"""The one that every upstream takes (Vertex knows no other), as a part carries it."""


class _State(msgspec.Struct, array_like=True):
    """What a seal holds: who thought (engine and channel), and the thoughts."""

    maker: str
    thoughts: list[tuple[str, str, str]]  # text, the engine's own proof, its metadata


def is_bypass(signature: str) -> bool:
    """Whether `signature` (base64) is a documented bypass string, in any encoding clients use."""
    if not signature or len(signature) > _LONGEST_BYPASS:
        return False
    try:
        return b64decode(signature) in _BYPASS_BYTES
    except (binascii.Error, ValueError):
        return False


class Signatures:
    """The policy.  `corrupted` has what the real API says of a signature that a model of it cannot
    read; `""` if that model does not look.
    """

    def __init__(self, sealer: Sealer, corrupted: Callable[[Model | None], str]) -> None:
        self._sealer, self._corrupted = sealer, corrupted

    @property
    def mark(self) -> bytes:
        """What every seal begins with in JSON: a body without it holds none."""
        return b'"' + self._sealer.mark.encode()

    def opened(
        self, request: Request, target: Target, context: Context, *, refuse: bool = True
    ) -> Request:
        """`request` as the engine should get it, every signature looked at.

        Raises:
            Invalid: if it may `refuse`, the channel is strict and the model one that checks them, a
                signature of the current turn is corrupted, or belongs to another caller, to another
                family of models or to another part.
        """
        if not any(part.signature for content in request.contents for part in content.parts):
            return request
        corrupted = self._corrupted(target.facts) if target.channel.manner.strict else ""
        turn = current_turn(request.contents)
        opened: list[Content] = []
        numbered = enumerate(request.contents)
        for _, group in groupby(numbered, key=lambda pair: pair[1].role or "user"):
            contents = list(group)
            reader = _Reader(self._sealer, target, context, others=not refuse)
            # A client that shows thoughts sends them back; those in a seal are the same, and whole.
            read = [(content, list(map(reader.read, content.parts))) for _, content in contents]
            if reader.unreadable and refuse and corrupted and contents[-1][0] >= turn:
                raise Invalid(corrupted)
            for what in reader.unreadable:
                context.notice(f"{what} was left out")
            opened += [_rejoined(content, parts, reader) for content, parts in read]
        return msgspec.structs.replace(request, contents=tuple(opened))

    async def signed(self, events: Events, target: Target, context: Context) -> Events:
        """`events` with the signatures that the real API would give.  Owns `events`.

        Parts that the engine signed itself keep theirs.
        """
        writers: dict[int, _Writer] = {}
        async with aclosing(events):
            async for event in events:
                if isinstance(event, PartStart | Delta | PartEnd | End) and not (
                    isinstance(event, End) and event.blocked
                ):
                    writer = writers.get(event.candidate)
                    if writer is None:
                        writer = writers[event.candidate] = _Writer(self._sealer, target, context)
                    for said in writer.take(event):
                        yield said
                else:
                    for writer in writers.values():  # a block in mid-answer ends what is open
                        for said in writer.release() if isinstance(event, End) else ():
                            yield said
                    yield event


def _bound(caller: str, family: str, part: Part) -> bytes:
    """What a seal on `part` is bound to.  A text's words are not: streams and clients re-cut it."""
    place: tuple[str, ...] = ("text",)
    if isinstance(part, Call):
        place = ("call", part.name, spelled(part.args))
    return msgspec.json.encode((caller, family, *place))


class _Reader:
    """Reads the signatures of neighbouring contents of one role.

    `others`: thoughts may carry proofs of another kind than Gemini's, for their makers.
    """

    def __init__(
        self, sealer: Sealer, target: Target, context: Context, *, others: bool = False
    ) -> None:
        self.unreadable: list[str] = []
        """What was found that nobody here can read, in words."""
        self.restored = False
        """Thoughts came out of a seal."""
        self._sealer, self._target, self._context = sealer, target, context
        self._others = others
        self._native = target.channel.engine.native_signatures
        self._draws = target.facts is not None and target.facts.kind == "image"

    def read(self, part: Part) -> list[Part]:
        """`part` with what the engine should see of its signature, after the thoughts in it."""
        if not part.signature or (self._others and isinstance(part, Thought)):
            return [part]
        if is_bypass(part.signature):
            self._context.signature("bypassed")
            return [part if self._native else _bare(part)]
        if part.signature.startswith(self._sealer.mark):
            return self._opened(part)
        if self._native:
            if "restored" not in self._context.signatures:  # the vault has told of each
                self._context.signature("native")
            return [part]
        self.unreadable.append("a thought signature that was not made here")
        return [_bare(part)]

    def _opened(self, part: Part) -> list[Part]:
        state = self._sealer.open(
            part.signature, _bound(self._context.caller, self._target.family, part)
        )
        if state is None:
            self.unreadable.append("a thought signature that does not belong where it stands")
            return [self._for_upstream(part)]
        self._context.signature("sealed")
        found = msgspec.json.decode(state, type=_State)
        if found.maker == _maker(self._target):
            self.restored = self.restored or bool(found.thoughts)
            return [*map(_thought, found.thoughts), _bare(part)]
        if found.thoughts:
            self._context.notice(
                "thoughts of another channel were left out of the conversation's history"
            )
        return [self._for_upstream(part)]

    def _for_upstream(self, part: Part) -> Part:
        """A seal means nothing to an upstream that wants its own signature on a call, or, if it
        draws, on what it said and drew.
        """
        if not self._native or not (self._draws or isinstance(part, Call)):
            return _bare(part)
        self._context.signature("bypassed")
        return msgspec.structs.replace(part, signature=SKIP)


def _rejoined(content: Content, read: list[list[Part]], reader: _Reader) -> Content:
    """`content` with its parts as they were `read`, and no thought in it twice."""
    parts = [
        part
        for old, pieces in zip(content.parts, read, strict=True)
        if not (reader.restored and isinstance(old, Thought))
        for part in pieces
    ]
    return Content(content.role, tuple(parts))


def _maker(target: Target) -> str:
    return f"{target.channel.kind}/{target.channel.name}"


def _bare(part: Part) -> Part:
    return msgspec.structs.replace(part, signature="")


class _Writer:
    """Signs one candidate, as models of its kind do (gemini.md section 3.1).

    Of a text model: the first call of each group, else the last part.  Of an image model: the first
    part after the thoughts, and every picture.
    """

    def __init__(self, sealer: Sealer, target: Target, context: Context) -> None:
        self._sealer, self._target, self._context = sealer, target, context
        self._draws = target.facts is not None and target.facts.kind == "image"
        self._thoughts: list[Thought] = []  # since the last signature
        self._count = 0
        self._part: Part | None = None
        self._pieces: list[str] = []
        self._held: PartEnd | None = None  # the end of a part that may turn out to be the last
        self._signed = False
        self._grouped = False  # the part before was a call

    def take(self, event: PartStart | Delta | PartEnd | End) -> Sequence[Event]:
        """The events to pass on."""
        match event:
            case PartStart():
                return [*self.release(), self._start(event)]
            case Delta():
                self._pieces.append(event.text)
                return [event]
            case PartEnd():
                return self._end_part(event)
            case End():
                return [*self._last(event), event]

    def release(self) -> list[PartEnd]:
        """The end that was held back: its part was not the last."""
        held, self._held = self._held, None
        return [held] if held is not None else []

    def _start(self, event: PartStart) -> PartStart:
        part = event.part
        if isinstance(part, Thought):  # what else it carries is its maker's affair
            self._part = part
            part = Thought(text=part.text)
        else:
            due = self._draws and (not self._signed or isinstance(part, Blob))
            if due and not part.signature and not isinstance(part, Call):
                part = msgspec.structs.replace(part, signature=self._seal(part))
            self._part = part
        self._grouped = self._grouped and isinstance(part, Call)
        self._pieces, self._count = [], event.index + 1
        return msgspec.structs.replace(event, part=part)

    def _end_part(self, event: PartEnd) -> list[Event]:
        if self._part is None:
            return [event]
        whole = closed(self._part, "".join(self._pieces), event.signature)
        if isinstance(whole, Thought):
            self._thoughts.append(whole)
            return [msgspec.structs.replace(event, signature="")]
        if isinstance(whole, Call):
            first, self._grouped = not self._grouped, True
            if whole.signature or not first:
                self._signed = True
                return [event]
            return [self._sign(whole, event)]
        if whole.signature:
            self._signed = True
        elif self._thoughts and not self._signed:
            self._part, self._held = whole, event
            return []
        return [event]

    def _last(self, end: End) -> Sequence[Event]:
        held = self.release()
        if self._signed or not self._thoughts or end.reason != "STOP":
            return held
        if held and self._part is not None:
            return [self._sign(self._part, held[0])]
        # The last thing was a thought: the signature stands alone, as at the end of a real stream.
        empty = Text(text="")
        last = PartEnd(self._count, candidate=end.candidate)
        return [PartStart(self._count, empty, end.candidate), self._sign(empty, last)]

    def _sign(self, part: Part, end: PartEnd) -> PartEnd:
        return msgspec.structs.replace(end, signature=self._seal(part))

    def _seal(self, part: Part) -> str:
        """A seal of all that was thought since the one before."""
        self._signed = True
        thoughts = [
            (thought.text, thought.signature, _metadata(thought)) for thought in self._thoughts
        ]
        self._thoughts = []
        state = msgspec.json.encode(_State(_maker(self._target), thoughts))
        if len(state) > _MOST_STATE:
            state = msgspec.json.encode(_State(_maker(self._target), []))
        bound = _bound(self._context.caller, self._target.family, part)
        return self._sealer.seal(state, bound)


def _metadata(thought: Thought) -> str:
    metadata = thought.modifiers.metadata if thought.modifiers is not None else None
    return "" if metadata is None else bytes(metadata).decode()


def _thought(kept: tuple[str, str, str]) -> Thought:
    text, signature, metadata = kept
    modifiers = Modifiers(metadata=Json(metadata.encode())) if metadata else None
    return Thought(text=text, signature=signature, modifiers=modifiers)
