"""The snippets of Google's Gemini 3 guide, taken from a stored copy of its text.

The copy (seed 002) is not part of this project: it is looked for as the recordings are.  It holds
the page's text without its layout, so that two things must be put right before a snippet is what
the guide shows: the class body of a Python snippet is indented again, and so is nothing else, since
Python asks for no indentation within brackets.  One snippet is wrong as printed: the first in
JavaScript says `contents="..."` within an object literal, which no engine parses; `mend` makes it
`contents: "..."`.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

LANGUAGES: Final = ("Python", "JavaScript", "REST")
_LAST: Final = {
    "Python": re.compile(r"print\(.*\)"),
    "JavaScript": re.compile(r"run\(\);"),
    "REST": re.compile(r"\}'"),
}
_FIELD: Final = re.compile(r"\w+: .*")
_AS_PRINTED: Final = 'contents="'
_AS_MEANT: Final = 'contents: "'
_PLACEHOLDER: Final = '"..."'


class Snippet(msgspec.Struct, frozen=True):
    """One snippet: which example it belongs to, its language, and its code as printed."""

    example: str
    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.example}, {self.language}"

    def mend(self) -> str:
        """The code as the guide shows it, with what cannot run as printed put right."""
        match self.language:
            case "Python":
                return _indented(self.code)
            case "JavaScript":
                return self.code.replace(_AS_PRINTED, _AS_MEANT)
            case _:
                return self.code

    def filled(self, data: str) -> str:
        """`mend`, with `data` (base64) where the guide says `"..."`."""
        return self.mend().replace(_PLACEHOLDER, f'"{data}"')


def snippets(page: Path) -> list[Snippet]:
    """The snippets in the order of the page: three examples in three languages."""
    found: list[Snippet] = []
    language, code = "", list[str]()
    for line in page.read_text().splitlines():
        if not language:
            language = line if line in LANGUAGES else ""
            continue
        code.append(line)
        if _LAST[language].fullmatch(line):
            examples = ("basic", "media", "structured")
            number = sum(snippet.language == language for snippet in found)
            found.append(Snippet(examples[number], language, "\n".join(code)))
            language, code = "", []
    return found


def _indented(code: str) -> str:
    lines: list[str] = []
    body = False
    for line in code.splitlines():
        if body := line.startswith("class ") or (body and bool(_FIELD.match(line))):
            lines.append(line if line.startswith("class ") else f"    {line}")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"
