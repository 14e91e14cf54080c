"""http.md names every route, query parameter and header that `geminid.http` speaks of."""

import ast
import re
from collections.abc import Iterator

from geminid.http import gemini, paths
from tests.docs.pages import REFERENCE, ROOT, named, section

PAGE = REFERENCE / "http.md"
SOURCES = sorted((ROOT / "src" / "geminid" / "http").glob("*.py"))

# Bytes that look like the name of a header; those without a dash are few.
_HEADER = re.compile(rb"[a-z]+(?:-[a-z]+)+")
_SHORT = {b"vary", b"host", b"origin", b"authorization"}
_NO_NAMES = {"text/event-stream", "no-cache"}


def nodes() -> Iterator[ast.AST]:
    for source in SOURCES:
        yield from ast.walk(ast.parse(source.read_text()))


def matched(name: str) -> set[str]:
    """The texts that `match` statements of the module `name` look for."""
    tree = ast.parse((ROOT / "src" / "geminid" / "http" / f"{name}.py").read_text())
    return {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.MatchValue)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def test_every_header_is_named() -> None:
    headers = {
        node.value.decode()
        for node in nodes()
        if isinstance(node, ast.Constant)
        and isinstance(node.value, bytes)
        and (_HEADER.fullmatch(node.value) or node.value in _SHORT)
    }
    page = named(section(PAGE, "Request headers")) | named(section(PAGE, "Response headers"))

    assert len(headers) >= 15
    assert headers - _NO_NAMES - {name.lower() for name in page} == set()


def test_every_query_parameter_is_named() -> None:
    """`query("…")` is the one way to a parameter."""
    asked = {
        node.args[0].value
        for node in nodes()
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] == "query"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }

    assert len(asked) >= 5
    assert asked <= named(section(PAGE, "Query parameters"))


def test_every_method_is_named() -> None:
    text = section(PAGE, "Routes")
    served = matched("gemini")

    assert {"generateContent", "countTokens"} <= served
    for method in served:
        assert f":{method}`" in text, method
    assert set(gemini._ELSEWHERE) <= named(text)  # noqa: SLF001  what the page must tell


def test_every_page_for_operators_is_named() -> None:
    pages = {path for path in matched("operators") if path.startswith("/")}

    assert len(pages) >= 3
    assert {f"GET {path}" for path in pages} <= named(section(PAGE, "Routes"))


def test_every_version_is_named() -> None:
    versions = re.findall(r"v1\w*", paths._GEMINI.pattern)  # noqa: SLF001  as above

    assert {f"/{version}" for version in versions} <= named(PAGE.read_text())
