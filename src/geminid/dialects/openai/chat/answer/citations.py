"""`annotations`: the sources of a grounded answer, and which of its words they support.

Gemini counts bytes of UTF-8 inside a part, this dialect characters of the whole content.
"""

import msgspec

from geminid.core.content import Json
from geminid.dialects.openai.tree import Tree


class _Source(msgspec.Struct):
    uri: str = ""
    title: str = ""


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Source | None = None
    maps: _Source | None = None
    retrieved_context: _Source | None = None

    @property
    def source(self) -> _Source | None:
        found = self.web or self.maps or self.retrieved_context
        return found if found is not None and found.uri else None


class _Segment(msgspec.Struct, rename="camel"):
    start_index: int = 0
    end_index: int = 0
    text: str = ""


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] = []


class _Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[_Chunk] = []
    grounding_supports: list[_Support] = []


class _Extra(msgspec.Struct, rename="camel"):
    grounding_metadata: _Grounding | None = None


class Words:
    """The content as it grows, and where in it each text begins."""

    def __init__(self) -> None:
        self._length = 0
        self._texts: list[tuple[int, list[str]]] = []

    def begin(self) -> None:
        """The next text begins."""
        self._texts.append((self._length, []))

    def add(self, text: str) -> None:
        """More of the text that has begun last."""
        self._texts[-1][1].append(text)
        self._length += len(text)

    def insert(self, text: str) -> None:
        """Content that is no text of the model's."""
        self._length += len(text)

    def encoded(self) -> list[tuple[int, bytes]]:
        """Each text, and where it begins (in characters)."""
        return [(start, "".join(pieces).encode()) for start, pieces in self._texts]


def annotations(extra: Json | None, words: Words) -> list[Tree]:
    """The citations among Gemini's candidate fields in `extra`, in the order of what they support.

    A source that supports no words in particular has an empty span at the beginning.
    """
    if extra is None or b"groundingChunks" not in bytes(extra):
        return []
    try:
        found = msgspec.json.decode(extra, type=_Extra, strict=False).grounding_metadata
    except (msgspec.MsgspecError, RecursionError):
        return []
    if found is None:
        return []
    sources = [chunk.source for chunk in found.grounding_chunks]
    texts = words.encoded()
    cited: list[Tree] = []
    idle = dict.fromkeys(number for number, source in enumerate(sources) if source is not None)
    for support in found.grounding_supports:
        span = _span(support.segment or _Segment(), texts)
        if span is None:
            continue
        for number in support.grounding_chunk_indices:
            source = sources[number] if 0 <= number < len(sources) else None
            if source is not None:
                idle.pop(number, None)
                cited.append(_citation(source, span))
    return [*cited, *(_citation(sources[number], (0, 0)) for number in idle)]


def _span(segment: _Segment, texts: list[tuple[int, bytes]]) -> tuple[int, int] | None:
    """Where `segment` lies in the content.  Which part it means is told by its words: Gemini's part
    numbers count thoughts, which the caller may not have seen [M].
    """
    start, end, said = segment.start_index, segment.end_index, segment.text.encode()
    for offset, text in texts:
        piece = text[start:end] if 0 <= start < end <= len(text) else b""
        if piece and (not said or piece == said):
            first = offset + _characters(text[:start])
            return first, first + _characters(piece)
    return None


def _characters(encoded: bytes) -> int:
    return len(encoded) if encoded.isascii() else len(encoded.decode(errors="ignore"))


def _citation(source: _Source | None, span: tuple[int, int]) -> Tree:
    found = source or _Source()
    start, end = span
    citation = {
        "start_index": start,
        "end_index": end,
        "url": found.uri,
        "title": found.title or found.uri,
    }
    return {"type": "url_citation", "url_citation": citation}
