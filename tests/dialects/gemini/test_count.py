"""`countTokens`: both request forms, and the answer both ways."""

import msgspec
import pytest
from hypothesis import given, settings

from geminid.core.content import Content, Text
from geminid.core.errors import Invalid, Malformed, UpstreamMalformed
from geminid.core.ports import TokenCount
from geminid.core.request import Request
from geminid.core.usage import ModalityCount, Usage
from geminid.dialects.gemini.count import (
    decode_count,
    decode_count_request,
    encode_count,
    encode_count_request,
)
from tests import strategies

MODEL = "gemini-3-pro-preview"
HI = Content("user", (Text(text="hi"),))


def test_bare_contents() -> None:
    """The only form that Google's own clients send (gemini.md 1.3)."""
    body = b'{"contents":[{"parts":[{"text":"hi"}]}]}'

    assert decode_count_request(body, MODEL) == Request(model=MODEL, contents=(HI,))


def test_a_whole_request_counts_all_it_holds() -> None:
    body = (
        b'{"generate_content_request":{"model":"models/x","contents":[{"parts":[{"text":"hi"}]}],'
        b'"systemInstruction":{"parts":[{"text":"s"}]}},"model":"models/x","contents":[]}'
    )

    assert decode_count_request(body, MODEL) == Request(
        model=MODEL, contents=(HI,), system=(Text(text="s"),)
    )


def test_both_forms_at_once_are_refused() -> None:
    body = b'{"contents":[{"parts":[{"text":"a"}]}],"generateContentRequest":{}}'

    with pytest.raises(Invalid, match="Only one of `contents` and `generateContentRequest`"):
        decode_count_request(body, MODEL)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", "* CountTokensRequest.contents: contents is not specified\n"),
        (
            b'{"contents":[{"parts":[{}]}]}',
            "* CountTokensRequest.contents[0].parts[0].data: required oneof field 'data' must have"
            " one initialized field\n",
        ),
        (
            b'{"generateContentRequest":{}}',
            "* CountTokensRequest.generate_content_request.contents: contents is not specified\n",
        ),
    ],
)
def test_the_real_api_names_its_own_message(body: bytes, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_count_request(body, MODEL)

    assert caught.value.detail == text


def test_an_unknown_field_is_told_from_this_messages_root() -> None:
    with pytest.raises(Malformed) as caught:
        decode_count_request(b'{"generateContentRequest":{"x":1},"tools":[]}', MODEL)

    assert [each.field for each in caught.value.violations] == ["generate_content_request", ""]


@given(strategies.requests)
@settings(max_examples=30)
def test_every_request_can_be_counted_upstream(request_: Request) -> None:
    encoded = encode_count_request(request_, "theirs")

    assert decode_count_request(encoded, MODEL) == request_
    whole = msgspec.json.decode(encoded)["generateContentRequest"]
    assert whole["model"] == "models/theirs"


def test_an_answer_is_read_and_written_byte_for_byte() -> None:
    encoded = (
        b'{"totalTokens":5,"cachedContentTokenCount":2,"promptTokensDetails":'
        b'[{"modality":"TEXT","tokenCount":5}],"cacheTokensDetails":'
        b'[{"modality":"TEXT","tokenCount":2}]}'
    )
    count = TokenCount(
        5,
        Usage(
            prompt=5,
            cached=2,
            prompt_details=(ModalityCount("TEXT", 5),),
            cache_details=(ModalityCount("TEXT", 2),),
        ),
    )

    assert decode_count(encoded) == count
    assert encode_count(count) == encoded


def test_an_estimate_without_details() -> None:
    assert encode_count(TokenCount(3, estimated=True)) == b'{"totalTokens":3}'


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"5", b"null", b"<html>", b'{"totalTokens":"many"}',
        b'{"totalTokens":[1]}', b'{"totalTokens":1.5}', b'{"totalTokens":true}',
        b'{"totalTokens":1,"promptTokensDetails":{}}',
        b'{"totalTokens":1,"promptTokensDetails":[1]}',
        b'{"totalTokens":1,"promptTokensDetails":[{"tokenCount":"x"}]}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_count_is_the_upstreams_fault(body: bytes) -> None:
    """An empty answer counted as 0 tokens, which is a price of nothing."""
    with pytest.raises(UpstreamMalformed):
        decode_count(body)


def test_counts_as_strings_are_numbers() -> None:
    body = b'{"totalTokens":"5","promptTokensDetails":[{"modality":"TEXT","tokenCount":"5"}]}'

    assert decode_count(body).usage.prompt_details == (ModalityCount("TEXT", 5),)
