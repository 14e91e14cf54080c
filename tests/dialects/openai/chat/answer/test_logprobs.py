"""Log probabilities, from Gemini's fields to this dialect's."""

from typing import Any

import msgspec
import pytest

from geminid.core.content import Json
from geminid.dialects.openai.chat.answer.logprobs import write_logprobs
from geminid.dialects.openai.logprobs import TokenLogprob, TopToken, logprobs_result


def written(fields: object) -> Any:
    found = write_logprobs(Json(msgspec.json.encode(fields)))
    return None if found is None else msgspec.json.decode(msgspec.json.encode(found))


def test_each_token_has_its_bytes_and_its_alternatives() -> None:
    chosen = [{"token": "é", "tokenId": 5, "logProbability": -0.25}]
    top = [{"candidates": [*chosen, {"token": "e", "logProbability": -2}]}]

    assert written({"logprobsResult": {"chosenCandidates": chosen, "topCandidates": top}}) == {
        "content": [
            {
                "token": "é",
                "logprob": -0.25,
                "bytes": [195, 169],
                "top_logprobs": [
                    {"token": "é", "logprob": -0.25, "bytes": [195, 169]},
                    {"token": "e", "logprob": -2, "bytes": [101]},
                ],
            }
        ],
        "refusal": None,
    }


def test_what_an_upstream_of_this_dialect_said_is_said_again() -> None:
    tops = [[TopToken("b", -3.0)], [TopToken("c", -0.5), TopToken("d", -2.0)]]
    tokens = [TokenLogprob("a", -1.0, tops[0]), TokenLogprob("c", -0.5, tops[1])]
    found = write_logprobs(logprobs_result(tokens))

    assert found is not None
    assert msgspec.convert(found["content"], list[TokenLogprob]) == tokens


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"avgLogprobs": -1},
        {"logprobsResult": None},
        {"logprobsResult": {"chosenCandidates": []}},
        {"logprobsResult": {"chosenCandidates": [{"token": 1}]}},
        {"logprobsResult": "x"},
    ],
)
def test_no_answer_is_lost_for_them(fields: object) -> None:
    assert written(fields) is None
