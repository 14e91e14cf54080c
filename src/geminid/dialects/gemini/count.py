"""`countTokens`, in both its request forms (gemini.md section 1.3)."""

from typing import cast

import msgspec

from geminid.core.errors import Invalid, UpstreamMalformed
from geminid.core.ports import TokenCount
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.dialects.gemini.request import read_request, write_request
from geminid.dialects.gemini.usage import read_usage, write_usage
from geminid.dialects.gemini.walk import Tree, walk


def decode_count_request(body: bytes, model: str, *, depth: int = 100) -> Request:
    """The prompt to count: bare `contents`, or a whole `generateContentRequest`.

    Raises as `decode_request`; also `Invalid` if both forms are there.
    """
    tree = walk("CountTokensRequest", body, depth=depth)
    whole = cast("Tree | None", tree.pop("generateContentRequest", None))
    if whole is None:
        return read_request(tree, model)
    if tree:
        raise Invalid("Only one of `contents` and `generateContentRequest` may be set.")
    return read_request(whole, model)


def encode_count_request(request: Request, model: str) -> bytes:
    """`request` for an upstream that calls the model `model`."""
    whole = {"model": f"models/{model}"} | write_request(request)
    return msgspec.json.encode({"generateContentRequest": whole})


def decode_count(body: bytes) -> TokenCount:
    """An upstream's answer.

    Raises:
        UpstreamMalformed: it is not one.
    """
    try:
        tree = msgspec.json.decode(body, type=dict[str, object])
        usage = read_usage(tree | {"promptTokenCount": tree.get("totalTokens", 0)})
        details = {"cached": usage.cached, "cache_details": usage.cache_details}
        return TokenCount(
            usage.prompt,
            Usage(prompt=usage.prompt, prompt_details=usage.prompt_details, **details),  # type: ignore[arg-type]
        )
    except (msgspec.MsgspecError, TypeError, ValueError, AttributeError) as error:
        raise UpstreamMalformed("The upstream's token count has an unknown shape.") from error


def encode_count(count: TokenCount) -> bytes:
    """The answer to the caller."""
    tree = write_usage(count.usage)
    kept = ("cachedContentTokenCount", "promptTokensDetails", "cacheTokensDetails")
    return msgspec.json.encode(
        {"totalTokens": count.total} | {name: tree[name] for name in kept if name in tree}
    )
