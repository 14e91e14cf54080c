"""Ignored fields are named as their caller wrote them."""

import pytest

from geminid.dialects.openai.chat.paths import caller_path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("generationConfig.topK", "top_k"),
        ("toolConfig.functionCallingConfig.mode", "tool_choice"),
        ("generationConfig.thinkingConfig.includeThoughts", "include_reasoning"),
        ("flux", "flux"),
        ("messages.name", "messages.name"),
    ],
)
def test_a_field_goes_by_the_name_that_the_caller_knows(path: str, name: str) -> None:
    assert caller_path(path) == name
