"""Whatever a client does to a conversation, no engine gets a signature that is not right there.

The upstream is held to Google's rules by a second reading of them (`tests.fakes.gemini_rules`).
"""

from base64 import b64decode

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from geminid.core.content import Call, Content, Json, Part, Text, Thought
from geminid.core.request import Request
from geminid.dialects.gemini.request import encode_request
from geminid.pipeline.compile import Target
from geminid.pipeline.signatures import is_bypass
from tests.fakes.gemini_rules import check
from tests.pipeline.scripted import Scripted
from tests.pipeline.vault.conversations import (
    PRO,
    Google,
    Plain,
    Router,
    Server,
    bare,
    call,
    context,
    model,
    native,
    results,
    target,
    user,
)

TARGETS = {
    "google": target(),
    "the same project": target(Google()),
    "another project": target(origin="google/two"),
    "another family": target(family="gemini-4-text"),
    "router": target(Router(), origin="openai/router"),
    "local": target(Scripted(), origin="llama/door"),
    "another vendor": target(Plain(), origin="openai/vendor"),
}
CALLERS = ("ada", "eve")


class Damage(msgspec.Struct, frozen=True):
    """What a client does to what it was given, each time it sends it back."""

    drop: str
    ids: str
    rewrite: bool
    cut: bool
    silent: bool
    split: bool
    spoil: bool

    @property
    def renames(self) -> bool:
        return self.ids != "keep"

    def done(self, content: Content, number: int) -> list[Content]:
        """`content`, the model's answer `number`, as it is sent."""
        parts = [self._part(p, number, n) for n, p in enumerate(content.parts)]
        if self.silent:
            parts = [part for part in parts if not isinstance(part, Thought)]
        texts = [part for part in parts if isinstance(part, Text)]
        rest = [part for part in parts if not isinstance(part, Text)]
        if (self.cut or self.split) and texts:  # one string, as OpenAI's clients make of it
            joined = Text(text="".join(text.text for text in texts), signature=texts[-1].signature)
            parts = [*([joined] if joined.text else []), *rest]
        if not self.split:
            return [model(*parts)] if parts else []
        return [model(part) for part in parts]

    def _part(self, part: Part, number: int, place: int) -> Part:
        if self.drop == "all" or (self.drop == "some" and (number + place) % 2):
            part = msgspec.structs.replace(part, signature="")
        elif self.spoil and part.signature:
            part = msgspec.structs.replace(part, signature=part.signature[:40])
        if isinstance(part, Call):
            if self.renames:
                name = f"call_{place}" if self.ids == "count" else f"id-{number}-{place}"
                part = msgspec.structs.replace(part, id=name)
            if self.rewrite:
                args = msgspec.json.format(part.args, indent=3)
                part = msgspec.structs.replace(part, args=Json(args))
        return part


damages = st.builds(
    Damage,
    drop=st.sampled_from(["none", "some", "all"]),
    ids=st.sampled_from(["keep", "count", "invent"]),
    rewrite=st.booleans(),
    cut=st.booleans(),
    silent=st.booleans(),
    split=st.booleans(),
    spoil=st.booleans(),
)
functions = st.builds(
    lambda name, n: call(name, f'{{"n":{n}}}'), st.sampled_from("fg"), st.integers(0, 1)
)


class Spoken(msgspec.Struct):
    """One conversation as its client has it: what it was given, and what each of it was signed."""

    caller: str
    history: list[Content | int]
    answers: list[Content]
    makers: list[Target]


class World:
    """A server, and all that was ever signed: by whom, for whom, on what."""

    def __init__(self) -> None:
        self.server = Server()
        self.count = 0
        self.issued: dict[tuple[str, str], set[bytes]] = {}
        self.made: dict[str, tuple[str, str]] = {}  # signature: caller, function

    def sign(self, where: Target, caller: str, part: Part) -> Part:
        """`part` as Google returns it from there."""
        self.count += 1
        signature = native(self.count)
        self.issued.setdefault(_place(where), set()).add(b64decode(signature))
        self.made[signature] = caller, part.name if isinstance(part, Call) else ""
        return msgspec.structs.replace(part, signature=signature)

    async def exchange(
        self, spoken: Spoken, where: Target, damage: Damage, said: tuple[str, list[Call]]
    ) -> Request:
        """One request with the history as `damage` leaves it, and its answer."""
        history = [
            piece
            for entry in spoken.history
            for piece in (
                damage.done(spoken.answers[entry], entry) if isinstance(entry, int) else [entry]
            )
        ]
        self.count += 1
        who = context(spoken.caller, f"r{self.count}")
        up = await self.server.up(history, where, who)
        text, calls = said
        parts: list[Part] = [Thought(text="hm")]
        parts += [Text(text=text[:3]), Text(text=text[3:])] if text else []
        for number, each in enumerate(calls):
            parts.append(msgspec.structs.replace(each, id=f"{self.count:08}{number}"))
        if where.channel.engine.native_signatures and len(parts) > 1:
            first = len(parts) - len(calls) if calls else len(parts) - 1
            parts[first] = self.sign(where, spoken.caller, parts[first])
        if where.channel.engine.dialect == "gemini":
            parts = parts[1:] or [Text(text="Well.")]
        answer = await self.server.down(history, parts, where, who)
        spoken.history.append(len(spoken.answers))
        spoken.answers.append(answer)
        spoken.makers.append(where)
        if any(isinstance(part, Call) for part in answer.parts):
            spoken.history.append(results(answer))
        return up

    def judge(self, up: Request, where: Target, caller: str) -> None:
        """What the engine got is right there, part by part."""
        signed = [part for content in up.contents for part in content.parts if part.signature]
        own = self.issued.get(_place(where), set())
        if where.channel.engine.dialect == "gemini":
            check(msgspec.json.decode(encode_request(up)), PRO, own)
        for part in signed:
            assert not part.signature.startswith(self.server.mark)
            if not is_bypass(part.signature):
                name = part.name if isinstance(part, Call) else ""
                assert b64decode(part.signature) in own
                assert self.made[part.signature] == (caller, name)
        if not where.channel.engine.native_signatures:
            assert not signed


def _place(where: Target) -> tuple[str, str]:
    return where.channel.origin, where.family


@settings(max_examples=200, deadline=None)
@given(st.data())
async def test_no_engine_gets_what_is_not_right_there(data: st.DataObject) -> None:
    """Two callers, each with a conversation that wanders between engines and is damaged anew each
    time it is sent.
    """
    world = World()
    talks = [Spoken(caller, [], [], []) for caller in CALLERS]
    for number in range(data.draw(st.integers(2, 7))):
        spoken = data.draw(st.sampled_from(talks))
        if not spoken.history or spoken.history[-1] == len(spoken.answers) - 1:
            spoken.history.append(user(data.draw(st.sampled_from(["Go on.", f"And {number}?"]))))
        where = TARGETS[data.draw(st.sampled_from(sorted(TARGETS)))]
        said = (
            data.draw(st.sampled_from(["", "Let me see."])),
            data.draw(st.lists(functions, max_size=3)),
        )
        up = await world.exchange(spoken, where, data.draw(damages), said)
        world.judge(up, where, spoken.caller)


@settings(max_examples=200, deadline=None)
@given(st.data())
async def test_where_it_was_made_each_call_and_text_gets_its_own_back(data: st.DataObject) -> None:
    """Byte for byte, whatever was lost; the words of the user tell conversations apart."""
    world = World()
    spoken = Spoken("ada", [], [], [])
    for number in range(data.draw(st.integers(2, 6))):
        if not spoken.history or spoken.history[-1] == len(spoken.answers) - 1:
            spoken.history.append(user(f"And {number}?"))
        said = (
            data.draw(st.sampled_from(["", "Let me see."])),
            data.draw(st.lists(functions, max_size=3)),
        )
        damage = data.draw(damages)
        up = await world.exchange(spoken, TARGETS["google"], damage, said)
        world.judge(up, TARGETS["google"], "ada")
        came = {part.signature for content in up.contents for part in content.parts}
        before = spoken.answers[:-1]
        given_out = {p.signature for content in before for p in content.parts if p.signature}
        assert given_out <= came


@given(st.lists(functions, min_size=1, max_size=3), damages)
async def test_a_gemini_caller_who_sends_all_back_is_never_refused_for_it(
    calls: list[Call], damage: Damage
) -> None:
    """Also on another channel of the same model, where the signature means nothing."""
    world = World()
    spoken = Spoken("ada", [user("Go.")], [], [])
    await world.exchange(spoken, TARGETS["google"], damage, ("", calls))
    kept = msgspec.structs.replace(damage, drop="none", spoil=False, split=False, cut=False)
    (step,) = kept.done(spoken.answers[0], 0)
    history = [user("Go."), step, results(step)]

    for name in ("google", "another project", "another family", "local", "another vendor"):
        up = await world.server.up(history, TARGETS[name], lenient=False)
        world.judge(up, TARGETS[name], "ada")


@given(st.lists(functions, min_size=1, max_size=3), st.sampled_from(sorted(TARGETS)))
async def test_what_was_never_signed_here_is_never_refused(calls: list[Call], name: str) -> None:
    """Histories of other vendors, and trimmed ones: a hundred messages without one signature."""
    world = World()
    step = bare(model(*calls))
    history = [user("Go."), *[step, results(step)] * 20]

    up = await world.server.up(history, TARGETS[name])

    world.judge(up, TARGETS[name], "ada")
