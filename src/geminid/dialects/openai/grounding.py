"""`annotations` of an answer as the core keeps them: Gemini's `groundingMetadata`, beside its end.

This wire counts characters of the whole content, Gemini bytes of UTF-8 inside a part.
"""

from collections.abc import Iterator

import msgspec

from geminid.dialects.openai.tree import Tree


class _Citation(msgspec.Struct, frozen=True):
    url: str = ""
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Annotation(msgspec.Struct):
    url_citation: _Citation | None = None


class Sources:
    """The sources that an answer names, and the words of it that each stands behind."""

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {}  # pieces, by part
        self._citations: dict[_Citation, None] = {}  # some servers send them again and again

    def say(self, part: int, text: str) -> None:
        """More of the content has come, in `part` of the answer."""
        self._texts.setdefault(part, []).append(text)

    def add(self, annotations: object) -> None:
        """Of another form than a list of citations they are nothing that anybody could read."""
        try:
            found = msgspec.convert(annotations, list[_Annotation] | None, strict=False)
        except msgspec.ValidationError:
            return
        for annotation in found or ():
            if annotation.url_citation is not None and annotation.url_citation.url:
                self._citations[annotation.url_citation] = None

    def metadata(self) -> Tree | None:
        """Gemini's `groundingMetadata`; `None` if no source was named."""
        if not self._citations:
            return None
        places = {url: n for n, url in enumerate(dict.fromkeys(c.url for c in self._citations))}
        titles = {citation.url: citation.title for citation in self._citations if citation.title}
        tree: Tree = {
            "groundingChunks": [
                {"web": {"uri": url, "title": titles.get(url, url)}} for url in places
            ]
        }
        texts = [(part, "".join(pieces)) for part, pieces in self._texts.items()]
        supports = [
            {"segment": segment, "groundingChunkIndices": [places[citation.url]]}
            for citation in self._citations
            for segment in _segments(citation, texts)
        ]
        return tree | {"groundingSupports": supports} if supports else tree


def _segments(citation: _Citation, texts: list[tuple[int, str]]) -> Iterator[Tree]:
    """The words that `citation` marks; a mark may run over the border of two parts."""
    left, right = citation.start_index or 0, citation.end_index or 0
    begin = 0
    for part, text in texts:
        start, end = max(left - begin, 0), min(right - begin, len(text))
        begin += len(text)
        if start >= end:
            continue
        before, said = text[:start].encode(), text[start:end]
        places = {"partIndex": part, "startIndex": len(before)}
        segment: Tree = {name: place for name, place in places.items() if place}
        yield segment | {"endIndex": len(before) + len(said.encode()), "text": said}
