"""Checks of the answer's form: mime type, schema, modalities, pictures, and of media's detail."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from geminid.catalog.rules import Rule
from geminid.core.content import Blob, FileRef, Modifiers
from geminid.core.request import OutputFormat
from geminid.pipeline.rules.case import EXTRA, MODALITIES, MODIFIERS, OUTPUT, Case
from geminid.pipeline.rules.check import Check, Facts
from geminid.pipeline.rules.extra import ImageConfig, is_set, says_anything
from geminid.pipeline.rules.schema import has_enum, is_empty

_PLAIN: Final = ("", "text/plain")
_NO_IMAGE: Final = ImageConfig()


def _mime(case: Case, rule: Rule) -> Iterator[Facts]:
    """A mime type that is none of `allowed`."""
    mime = _output(case).mime
    if mime and mime not in rule.allowed:
        yield {}


def _schema_mime(case: Case, rule: Rule) -> Iterator[Facts]:
    """A schema with a mime type that is none of `allowed`."""
    output = _output(case)
    if output.mime in rule.allowed or output.schema is None:
        return
    if output.json_schema or not is_empty(output.schema):
        name = "response_json_schema" if output.json_schema else "response_schema"
        yield {"field": name}


def _enum_schema(case: Case, rule: Rule) -> Iterator[Facts]:
    """A mime type of `allowed`, and no schema that is a choice between values."""
    output = _output(case)
    if output.mime in rule.allowed and (output.schema is None or not has_enum(output.schema)):
        yield {}


def _json_off(case: Case, _: Rule) -> Iterator[Facts]:
    if not case.known.json_output and _output(case).mime not in _PLAIN:
        yield {}


def _modalities(case: Case, _: Rule) -> Iterator[Facts]:
    """A combination that is none of the model's."""
    asked, takes = case.request.modalities, case.known.outputs
    if takes and set(asked) not in [set(names) for names in takes]:
        yield {
            "asked": ", ".join(dict.fromkeys(asked)),
            "takes": "".join(f"* {', '.join(names)}\n" for names in takes),
        }


def _speech(case: Case, _: Rule) -> Iterator[Facts]:
    """A voice, and an answer without sound."""
    speech = case.fields.generation_config.speech_config
    if not speech or "AUDIO" in case.request.modalities:
        return
    if says_anything(msgspec.json.decode(speech)):
        yield {}


def _no_images(case: Case, _: Rule) -> Iterator[Facts]:
    if _image(case) != _NO_IMAGE and not case.known.aspect_ratios:
        yield {}


def _aspect_ratio(case: Case, _: Rule) -> Iterator[Facts]:
    asked, takes = _image(case).aspect_ratio, case.known.aspect_ratios
    if asked and takes and asked not in takes:
        yield {"takes": ", ".join(f"`{ratio}`" for ratio in takes)}


def _no_size(case: Case, _: Rule) -> Iterator[Facts]:
    known = case.known
    if _image(case).image_size and known.aspect_ratios and not known.image_sizes:
        yield {}


def _image_size(case: Case, _: Rule) -> Iterator[Facts]:
    asked, takes = _image(case).image_size, case.known.image_sizes
    if asked and takes and asked not in takes:
        yield {"takes": ", ".join(f"`{size}`" for size in takes)}


def _no_resolution(case: Case, _: Rule) -> Iterator[Facts]:
    asked = case.fields.generation_config.media_resolution
    if not case.known.media_resolution and is_set(asked):
        yield {}


def _no_part_resolution(case: Case, _: Rule) -> Iterator[Facts]:
    if case.known.media_resolution != "part" and any(_detailed(case)):
        yield {}


def _resolution_of_what(case: Case, _: Rule) -> Iterator[Facts]:
    """A resolution on a part that is no media."""
    for content, part, media in _detailed(case):
        if not media:
            yield {"content": content, "part": part}


def _detailed(case: Case) -> Iterator[tuple[int, int, bool]]:
    """Parts with a resolution of their own: where they are, and whether they are media."""
    for content, said in enumerate(case.request.contents):
        for place, part in enumerate(said.parts):
            if part.modifiers is not None and _has_resolution(part.modifiers):
                yield content, place, isinstance(part, Blob | FileRef)


def _has_resolution(modifiers: Modifiers) -> bool:
    return is_set(modifiers.resolution) or bool(modifiers.resolution_tokens)


def _output(case: Case) -> OutputFormat:
    return case.request.output or OutputFormat()


def _image(case: Case) -> ImageConfig:
    return case.fields.generation_config.image_config or _NO_IMAGE


CHECKS: Final[Mapping[str, Check]] = {
    "mime": Check(OUTPUT, _mime),
    "schema_mime": Check(OUTPUT, _schema_mime),
    "enum_schema": Check(OUTPUT, _enum_schema),
    "json_off": Check(OUTPUT, _json_off, of_model=True),
    "modalities": Check(MODALITIES, _modalities, of_model=True),
    "speech": Check(EXTRA, _speech),
    "images_off": Check(EXTRA, _no_images, of_model=True),
    "aspect_ratio": Check(EXTRA, _aspect_ratio, of_model=True),
    "image_size_off": Check(EXTRA, _no_size, of_model=True),
    "image_size": Check(EXTRA, _image_size, of_model=True),
    "resolution_off": Check(EXTRA, _no_resolution, of_model=True),
    "part_resolution_off": Check(MODIFIERS, _no_part_resolution, of_model=True),
    "part_resolution": Check(MODIFIERS, _resolution_of_what),
}
