"""`models.list` and `models.get`: the catalog, as far as this server serves it."""

import base64
import binascii
from typing import Final

import msgspec

from geminid.core.errors import Invalid
from geminid.core.ports import Context
from geminid.dialects.gemini.models import write_model
from geminid.pipeline.compile import Routes, Target

_PAGE: Final = 50
_PAGE_MAX: Final = 1000
_SERVED: Final = ("generateContent", "countTokens")


async def list_models(routes: Routes, *, size: str, token: str) -> bytes:
    """One page of what is served (default 50, at most 1000 models).

    Raises:
        Invalid: `size` or `token` is not one.
    """
    start, count = _start(token), _size(size)
    targets = routes.served()
    page = [
        _tree(routes, target, await _limit(target)) for target in targets[start : start + count]
    ]
    tree: dict[str, object] = {"models": page}
    if start + count < len(targets):
        following = str(start + count).encode()
        tree["nextPageToken"] = base64.urlsafe_b64encode(following).decode().rstrip("=")
    return msgspec.json.encode(tree)


async def get_model(routes: Routes, name: str, context: Context) -> bytes:
    """One model.

    Raises:
        UnknownModel: nobody serves it.
    """
    target = routes.find(name)
    if target.notice:
        context.notice(target.notice)
    model = routes.catalog.get(target.model)
    limit = await _limit(target)
    if limit is not None and model is not None and limit != model.input_limit:
        context.notice(
            f"the serving channel takes {limit} input tokens, the model itself {model.input_limit}"
        )
    return msgspec.json.encode(_tree(routes, target, limit))


def _tree(routes: Routes, target: Target, limit: int | None) -> dict[str, object]:
    model = routes.catalog.get(target.model)
    return write_model(target.model, model, methods=_SERVED, input_limit=limit)


async def _limit(target: Target) -> int | None:
    async with target.channel.used() as engine:
        return await engine.input_limit(target.theirs)


def _size(text: str) -> int:
    if not text:
        return _PAGE
    if not text.isdecimal():
        raise Invalid(f"page_size must be a whole number, and it is {text[:50]!r}.")
    return min(int(text[:9]), _PAGE_MAX) or _PAGE


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        return int(text) if text.isdecimal() else _bad_token(token)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return _bad_token(token)


def _bad_token(token: str) -> int:
    raise Invalid(f"page_token {token[:50]!r} is not one of this server's; start from page one.")
