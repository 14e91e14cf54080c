"""`models` as the OpenAI API's clients ask for it, at each of its mounts."""

from collections.abc import Iterator
from typing import Final

import msgspec

from geminid.core.errors import UnknownModel
from geminid.core.ports import Context
from geminid.dialects.openai.listing import write_model
from geminid.pipeline.compile import Routes, Target

_PREFIXES: Final = ("google/", "models/")
_MAKER: Final = "google"
_HOUSE: Final = "geminid"
"""Who owns a model that only a channel's configuration knows."""


async def list_models(routes: Routes, *, prefix: str) -> bytes:
    """All that is served, in one page.

    `prefix` stands before the ids of Google's models at this mount (`google/`, `models/` or
    nothing); a channel's own names are listed as they are.
    """
    served = routes.served()
    listed = [await _tree(routes, target, _id(routes, target, prefix)) for target in served]
    # OpenRouter's reader wants the last two.
    tree: dict[str, object] = {
        "object": "list",
        "data": listed,
        "links": {"next": None},
        "total_count": len(listed),
    }
    return msgspec.json.encode(tree)


async def get_model(routes: Routes, name: str, context: Context, *, prefix: str) -> bytes:
    """One model under the id it was asked by: its own, or with any mount's prefix.

    Raises:
        UnknownModel: nobody serves it.
    """
    target = _found(routes, name, prefix)
    if target.notice:
        context.notice(target.notice)
    return msgspec.json.encode(await _tree(routes, target, name))


def _found(routes: Routes, name: str, prefix: str) -> Target:
    for spelling in _spellings(name, prefix):
        try:
            return routes.find(spelling)
        except UnknownModel:
            continue
    raise UnknownModel(name)


def _spellings(name: str, prefix: str) -> Iterator[str]:
    yield name  # first: a channel's own name may begin so
    for known in dict.fromkeys((prefix, *_PREFIXES)):
        if known and name.startswith(known):
            yield name.removeprefix(known)


def _id(routes: Routes, target: Target, prefix: str) -> str:
    known = routes.catalog.get(target.model) is not None
    return prefix + target.model if known else target.model


async def _tree(routes: Routes, target: Target, name: str) -> dict[str, object]:
    model = routes.catalog.get(target.model)
    async with target.channel.used() as engine:
        limit = await engine.input_limit(target.theirs)
    owner = _MAKER if model is not None else _HOUSE
    return write_model(name, model, input_limit=limit, owner=owner)
