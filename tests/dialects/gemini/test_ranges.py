"""Values that no model takes are refused before an engine sees them."""

import pytest

from geminid.core.errors import Invalid
from geminid.dialects.gemini.ranges import check_ranges
from geminid.dialects.gemini.request import decode_request

_BODY = '{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{%s}}'


def _check(config: str) -> None:
    check_ranges(decode_request((_BODY % config).encode(), "m"))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('"temperature":2.0001', "temperature: temperature must be in the range [0.0, 2.0]."),
        ('"temperature":-1', "temperature: temperature must be in the range [0.0, 2.0]."),
        ('"topP":1.5', "top_p: top_p must be in the range [0.0, 1.0]."),
        ('"topK":0', "top_k: top_k must be positive."),
        ('"maxOutputTokens":-1', "max_output_tokens: max_output_tokens must be positive."),
        ('"maxOutputTokens":0', "max_output_tokens: max_output_tokens must be positive."),
        ('"candidateCount":9', "candidate_count: candidate_count must be in the range [1, 8]."),
        ('"presencePenalty":5', "presence_penalty must be in the range [-2.0, 2.0]."),
        ('"frequencyPenalty":-5', "frequency_penalty must be in the range [-2.0, 2.0]."),
        ('"logprobs":21', "logprobs must be in the range [0, 20]."),
        ('"stopSequences":["a","b","c","d","e","f"]', "at most 5 stop sequences are allowed."),
        ('"stopSequences":["a",""]', "stop_sequences[1]: stop sequence must not be empty."),
        ('"thinkingConfig":{"thinkingBudget":-5}', "thinking_budget must be -1 or more."),
    ],
)
def test_a_value_out_of_range_is_named_with_its_bounds(config: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        _check(config)

    assert words in refused.value.detail
    assert refused.value.detail.startswith("* GenerateContentRequest.generation_config.")


def test_all_of_them_are_named() -> None:
    with pytest.raises(Invalid) as refused:
        _check('"temperature":3,"topP":-1,"stopSequences":[""]')

    assert refused.value.detail.count("\n") == 3


@pytest.mark.parametrize(
    "config",
    [
        '"temperature":0,"topP":0,"topK":1,"maxOutputTokens":1,"candidateCount":1',
        '"temperature":2,"topP":1,"candidateCount":8,"logprobs":20,"responseLogprobs":true',
        '"thinkingConfig":{"thinkingBudget":-1}',
        '"stopSequences":["a","b","c","d","e"]',
    ],
)
def test_the_bounds_themselves_pass(config: str) -> None:
    _check(config)
    assert decode_request((_BODY % config).encode(), "m").contents
