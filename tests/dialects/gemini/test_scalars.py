"""Scalars as proto3 JSON lets clients write them: one value in, one canonical value out."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geminid.dialects.gemini.scalars import base64_text
from geminid.dialects.gemini.tree import Tree
from tests.dialects.gemini.walked import API, complaints, walked


def config(**fields: object) -> Tree:
    """The generation config as it comes out of the walk."""
    found = walked({"generationConfig": fields})["generationConfig"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("sent", [40, 40.0, "40", "40.0", "4e1"])
def test_whole_numbers_come_in_any_dress(sent: object) -> None:
    """gemini.md 0.6: google-genai sends `topK` as a float."""
    assert config(topK=sent) == {"topK": 40}
    assert type(config(topK=sent)["topK"]) is int


@pytest.mark.parametrize(
    "sent", [40.5, "40.5", True, "", " 40", "40 ", "4_0", "٤٠", "0x28", "+40", "--4", "4e", "NaN",
             1 << 31, -(1 << 31) - 1, "2147483648", 1e20, "1e400", "9" * 5000, "-"],
)  # fmt: skip
def test_what_is_no_int32_is_quoted_in_googles_words(sent: object) -> None:
    shown = msgspec.json.encode(sent).decode()[:200]

    assert complaints({"generationConfig": {"topK": sent}}) == [
        (
            "generation_config.top_k",
            f"Invalid value at 'generation_config.top_k' (TYPE_INT32), {shown}",
        )
    ]


@pytest.mark.parametrize("sent", ["9223372036854775807", (1 << 63) - 1])
def test_int64_may_come_as_a_string(sent: object) -> None:
    assert walked({"maxItems": sent}, "Schema") == {"maxItems": (1 << 63) - 1}


def test_int64_has_its_own_bound() -> None:
    [(field, text)] = complaints({"minLength": "9223372036854775808"}, "Schema")

    assert field == "min_length"
    assert "(TYPE_INT64)" in text


@pytest.mark.parametrize(("sent", "got"), [(1, 1), (0.5, 0.5), ("0.5", 0.5), ("1e-1", 0.1)])
def test_decimals_come_as_numbers_or_strings(sent: object, got: float) -> None:
    assert config(temperature=sent) == {"temperature": got}


@pytest.mark.parametrize(
    "sent", ["NaN", "Infinity", "-Infinity", "nan", "inf", "1_0", True, "", "1e39", 1e39,
             int("9" * 400), "x"],
)  # fmt: skip
def test_a_number_that_no_json_can_say_is_refused(sent: object) -> None:
    """NaN came out as `null`, and an endless temperature reached the engine."""
    [(field, text)] = complaints({"generationConfig": {"temperature": sent}})

    assert field == "generation_config.temperature"
    assert "(TYPE_FLOAT)" in text


@pytest.mark.parametrize(("sent", "got"), [(True, True), ("true", True), ("false", False)])
def test_booleans_come_as_words_too(sent: object, got: bool) -> None:
    assert walked({"store": sent}) == {"store": got}


@pytest.mark.parametrize("sent", [1, 0, "True", "yes", ""])
def test_what_is_no_boolean_is_refused(sent: object) -> None:
    [(_, text)] = complaints({"store": sent})

    assert text.startswith("Invalid value at 'store' (TYPE_BOOL), ")


@pytest.mark.parametrize(
    "sent",
    ["MEDIA_RESOLUTION_HIGH", "media_resolution_high", "Media-Resolution-High", 3, 3.0, "3"],
)
def test_enums_come_in_any_case_and_as_numbers(sent: object) -> None:
    """gemini.md 0.6; numbers are how Google's older Python client sends them over REST."""
    assert config(mediaResolution=sent) == {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}


@pytest.mark.parametrize("sent", ["FLEX", "flex", "Flex"])
def test_the_one_lower_case_enum_stays_lower_case(sent: str) -> None:
    assert walked({"serviceTier": sent}) == {"serviceTier": "flex"}


@pytest.mark.parametrize(
    ("body", "field", "kind"),
    [
        ({"generationConfig": {"responseModalities": ["ZZZ"]}},
         "generation_config.response_modalities[0]", "GenerationConfig.Modality"),
        ({"safetySettings": [{"category": "ZZZ"}]}, "safety_settings[0].category", "HarmCategory"),
        ({"safetySettings": [{"threshold": "ZZZ"}]},
         "safety_settings[0].threshold", "SafetySetting.HarmBlockThreshold"),
        ({"generationConfig": {"responseSchema": {"type": "ZZZ"}}},
         "generation_config.response_schema.type", "Type"),
    ],
)  # fmt: skip
def test_an_unknown_enum_value_is_told_with_its_full_type(
    body: object, field: str, kind: str
) -> None:
    assert complaints(body) == [(field, f"Invalid value at '{field}' ({API}{kind}), \"ZZZ\"")]


@pytest.mark.parametrize("sent", [99, -1, "99", 1.5, True, ""])
def test_an_enum_number_out_of_range_is_refused(sent: object) -> None:
    [(_, text)] = complaints({"type": sent}, "Schema")

    assert text.startswith(f"Invalid value at 'type' ({API}Type), ")


@given(st.binary(max_size=40), st.booleans(), st.integers(0, 2))
def test_bytes_in_both_alphabets_with_and_without_padding(
    raw: bytes, url_safe: bool, lost: int
) -> None:
    """gemini.md 0.5: whatever came, standard base64 with padding leaves."""
    spelled = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(raw).decode()
    kept = spelled.rstrip("=") + "=" * max(spelled.count("=") - lost, 0)

    assert walked({"data": kept}, "Blob") == {"data": base64.b64encode(raw).decode()}


@pytest.mark.parametrize("sent", ["QUI\nD", "QU ID", " QUID ", "QUID\r\n"])
def test_bytes_may_be_broken_into_lines(sent: str) -> None:
    """Encoders for mail do it; the bytes are the same."""
    assert base64_text(sent) == "QUID"


@pytest.mark.parametrize(
    "sent", ["Q", "====", "QQ==QQ==", "=QQQ", "QQ=Q", "data:image/png;base64,QUJD", "é", "Q*Q="]
)
def test_bad_base64_is_told_in_googles_words(sent: str) -> None:
    field = "contents[0].parts[0].inline_data.data"

    assert complaints({"contents": [{"parts": [{"inlineData": {"data": sent}}]}]}) == [
        (field, f"Invalid value at '{field}' (TYPE_BYTES), Base64 decoding failed for \"{sent}\"")
    ]


@pytest.mark.parametrize("sent", ["1s", "1.5s", "-0.000000001s", "315576000000s"])
def test_durations(sent: str) -> None:
    assert walked({"startOffset": sent}, "VideoMetadata") == {"startOffset": sent}


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("1", "Illegal duration format; duration must end with 's'"),
        (1.5, "Illegal duration format; duration must end with 's'"),
        ("xs", "Invalid duration format, failed to parse seconds"),
        ("1.0000000001s", "Invalid duration format, failed to parse seconds"),
        ("٣s", "Invalid duration format, failed to parse seconds"),
    ],
)
def test_a_bad_duration_says_why(sent: object, why: str) -> None:
    [(field, text)] = complaints({"startOffset": sent}, "VideoMetadata")

    assert field == "start_offset"
    kind = "type.googleapis.com/google.protobuf.Duration"
    assert text == f"Invalid value at 'start_offset' ({kind}), Field 'startOffset', {why}"


@pytest.mark.parametrize("sent", ["2026-11-21T01:02:03Z", "2026-11-21t01:02:03.123456789+01:00"])
def test_timestamps(sent: str) -> None:
    assert walked({"startTime": sent}, "Interval") == {"startTime": sent}


@pytest.mark.parametrize("sent", ["2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z", 5])
def test_a_bad_timestamp_says_why(sent: object) -> None:
    [(_, text)] = complaints({"startTime": sent}, "Interval")

    assert text.endswith(f"Field 'startTime', Invalid time format: {sent}")
