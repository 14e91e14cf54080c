"""`countTokens`, in both its request forms (gemini.md section 1.3)."""

from typing import cast

import msgspec

from geminid.core.errors import Invalid, UpstreamMalformed
from geminid.core.ports import TokenCount
from geminid.core.request import Request
from geminid.core.usage import Usage
from geminid.dialects.gemini.request import read_request, write_request
from geminid.dialects.gemini.tree import Tree, count_at
from geminid.dialects.gemini.usage import read_usage, write_usage
from geminid.dialects.gemini.walk import walk


def decode_count_request(body: bytes, model: str, *, depth: int = 100) -> Request:
    """The prompt to count: bare `contents`, or a whole `generateContentRequest`.

    Raises as `decode_request`; also `Invalid` if both forms are there.
    """
    tree = walk("CountTokensRequest", body, depth=depth)
    whole = cast("Tree | None", tree.pop("generateContentRequest", None))
    if whole is None:
        return read_request(tree, model, name="CountTokensRequest")
    if tree.get("contents"):
        raise Invalid("Only one of `contents` and `generateContentRequest` may be set.")
    return read_request(whole, model, name="CountTokensRequest.generate_content_request")


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
        if "totalTokens" not in tree:  # a prompt has at least one; 0 must not pass for a count
            raise TypeError("totalTokens is missing")
        found = read_usage(tree)
        total = count_at(tree, "totalTokens")
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise UpstreamMalformed("The upstream's token count has an unknown shape.") from error
    usage = Usage(
        prompt=total,
        cached=found.cached,
        prompt_details=found.prompt_details,
        cache_details=found.cache_details,
    )
    return TokenCount(total, usage)


def encode_count(count: TokenCount) -> bytes:
    """The answer to the caller."""
    tree = write_usage(count.usage)
    kept = ("cachedContentTokenCount", "promptTokensDetails", "cacheTokensDetails")
    return msgspec.json.encode(
        {"totalTokens": count.total} | {name: tree[name] for name in kept if name in tree}
    )
