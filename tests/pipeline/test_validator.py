"""What is wrong with an answer, in one line."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geminid.core.content import Json
from geminid.core.errors import Fault, Invalid
from geminid.core.schema import plan, to_json_schema
from geminid.core.schema.scalars import FORMATS
from geminid.pipeline.validator import Validator, Validators, _compile
from tests.schemas import DOUBLING, Schema, doubled, gemini_schemas, schemas


def problem(schema: object, value: bytes) -> str:
    return Validator(Json(msgspec.json.encode(schema))).problem(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object"}, b'{"a": 1}'),
        ({"const": 10**30 + 1}, b"1000000000000000000000000000001"),
        ({"multipleOf": 0.1}, b"0.3"),
        ({"format": "int64"}, b'"x"'),
        ({"type": "string", "format": "uri"}, b'"no uri"'),
        ({"format": "date-time"}, b'"2026-11-21T09:00:00Z"'),
        ({"$id": "http://127.0.0.1:1/x", "$ref": "#/$defs/a", "$defs": {"a": {}}}, b"1"),
        ({"$schema": "http://127.0.0.1:1/meta", "type": "integer"}, b"1.0"),
        ({"$id": "no address: %%%", "type": "integer"}, b"1.0"),
        ({"type": "object"}, b'{"\\ud83d\\ude00": "\\\\ud800"}'),
        (True, b"null"),
    ],
)
def test_what_is_valid(schema: object, value: bytes) -> None:
    """Exact for large integers; formats of numbers and of the net are notes."""
    assert problem(schema, value) == ""


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"properties": {"a/b": {"items": {"maximum": 3}}}}, b'{"a/b": [1, 9]}', "at /a~1b/1: 9"),
        ({"type": "object"}, b"3", "at the top"),
        ({"const": 10**30 + 1}, b"1000000000000000000000000000000", "expected"),
        ({"format": "date"}, b'"2026-02-31"', "date"),
        ({}, b'{"a": {"b": 1, "b": 1}}', "'b' stands twice"),
        ({}, b"NaN", "NaN"),
        ({}, b"[-Infinity]", "-Infinity"),
        ({}, b"1e999", "too large"),
        ({}, b"9" * 5000, "digits"),
        ({}, b"", "not JSON"),
        ({}, b"{} {}", "not JSON"),
        ({}, b"\xff", "UTF-8"),
        ({}, b'"\\ud800"', "surrogate"),
        ({"type": "object"}, b'{"a": [{"b": "x\\uDFFF"}]}', "surrogate"),
        ({"type": "object"}, b'{"\\udabc": 1}', "surrogate"),
        (True, b'{"a": {"\\ud800": 1}}', "surrogate"),
        ({}, b"[" * 100_000, "deep"),
    ],
)
def test_what_is_not(schema: object, value: bytes, said: str) -> None:
    """The place as a JSON pointer, and the reason."""
    assert said in problem(schema, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object"}, b'"' + b"x" * 100_000 + b'"'),
        ({"enum": ["y" * 1000]}, b'"' + b"x" * 100_000 + b'"'),
        ({"additionalProperties": {"type": "null"}}, b'{"' + b"x" * 100_000 + b'": 1}'),
        ({}, b'{"' + b"x" * 9999 + b'": 1, "' + b"x" * 9999 + b'": 1}'),
    ],
)
def test_a_problem_is_short(schema: object, value: bytes) -> None:
    """It goes into a prompt and into a log line."""
    assert 0 < len(problem(schema, value)) <= 300


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(?=a)b"},
        {"pattern": r"(a)\1"},
        {"pattern": "((a{400}){400}){400}"},
        {"pattern": r"\p{L}{40}"},
        {"properties": {f"p{n}": {"pattern": rf"p{n}\p{{L}}{{20}}"} for n in range(100)}},
        {"$ref": "#/$defs/gone"},
        {"type": "text"},
    ],
)
def test_what_cannot_be_compiled_is_the_caller_s_fault(schema: Schema) -> None:
    """Look-arounds and references back are no regular expressions, and not linear in time."""
    with pytest.raises(Invalid, match="field x"):
        Validator(Json(msgspec.json.encode(schema)), "field x")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^(a+)+$"}, b'"' + b"a" * 100_000 + b'!"'),
        ({"uniqueItems": True}, b"[" + b",".join(b'{"a":%d}' % n for n in range(20_000)) + b"]"),
        ({}, b"{" + b",".join(b'"a%d":1' % n for n in range(20_000)) + b',"a1":2}'),
        *(
            (
                {
                    "$ref": "#/$defs/a",
                    "$defs": {
                        "a": {
                            "type": "object",
                            "properties": {"x": {"allOf": [{"$ref": "#/$defs/a"}] * 2}},
                        }
                    },
                },
                b'{"x":' * 200 + end + b"}" * 200,
            )
            for end in (b"{}", b"1")
        ),
    ],
)
def test_no_value_takes_long(schema: Schema, value: bytes) -> None:
    """Backtracking, pairs of items, names, doubled recursion."""
    begun = time.process_time()

    problem(schema, value)

    assert time.process_time() - begun < 2


CIRCLE: Schema = {"$ref": "#"}
TEXT: Schema = {"type": "string"}
CIRCLES: dict[str, Schema] = {
    **{
        name: {"properties": {"y": TEXT}, "allOf": [twice(CIRCLE)]}
        for name, twice in DOUBLING.items()
    },
    "two patterns": {
        "properties": {"x": CIRCLE, "y": TEXT},
        "patternProperties": {"^x": CIRCLE, "x$": CIRCLE},
    },
    "$dynamicRef": {
        "$dynamicAnchor": "n",
        "properties": {"x": {"allOf": [{"$dynamicRef": "#n"}] * 2}, "y": TEXT},
    },
    "many at once": {
        "$defs": {
            f"d{n}": {
                "properties": {
                    "x": {"anyOf": [{"$ref": f"#/$defs/d{m}"} for m in range(9)]},
                    "y": TEXT,
                }
            }
            for n in range(9)
        },
        "$ref": "#/$defs/d0",
    },
}


def nested(depth: int, end: object, name: str) -> object:
    for _ in range(depth):
        end = [end] if name == "contains" else {"x": end}
    return end


def soon(schema: Schema, value: object) -> str:
    """The problem, which must come at once whatever the machine does besides."""
    begun = time.process_time()
    found = problem(schema, msgspec.json.encode(value))
    assert time.process_time() - begun < 2
    return found


@pytest.mark.parametrize("name", CIRCLES)
@pytest.mark.parametrize("end", [{"y": 1}, {"y": "a"}], ids=["breaks", "fits"])
@pytest.mark.parametrize("depth", [3, 12, 40])
def test_circles_that_double_take_bounded_time(name: str, end: object, depth: int) -> None:
    """These took seconds and gigabytes, at a depth of 12; the answer is still right or none."""
    found = soon(CIRCLES[name], nested(depth, end, name))

    assert found or end == {"y": "a"}
    if depth == 3 and name not in ("oneOf", "contains"):
        assert bool(found) == (end == {"y": 1})


@pytest.mark.parametrize("name", DOUBLING)
@pytest.mark.parametrize("end", [1, "a"], ids=["breaks", "fits"])
@pytest.mark.parametrize("levels", [3, 8, 12, 16])
def test_definitions_that_double_take_bounded_time(name: str, end: object, levels: int) -> None:
    """Refused, or judged, or said to be too deep."""
    try:
        found = soon(doubled(name, levels), nested(levels, end, name))
    except Invalid:
        assert levels > 3
        return
    assert found or end == "a"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"anyOf": [{"type": "integer", "minimum": n + 9} for n in range(100)]}},
         [3] * 10_000),
        ({"anyOf": [{"minItems": 200_000 + n} for n in range(1000)]}, [1] * 100_000),
        ({"items": TEXT}, [3] * 100_000),
        ({"items": {"enum": [{"a": n} for n in range(499)]}}, [{"a": 498}] * 20_000),
        ({"items": {"enum": [n + 0.5 for n in range(999)]}}, [998.5] * 20_000),
        ({"allOf": [{"contains": {"const": n}} for n in range(3000)], "unevaluatedItems": False},
         list(range(3000))),
        ({"type": "array", "items": {"oneOf": [{"minimum": n} for n in range(5000)]}},
         [0, *([9000] * 10_000)]),
    ],
)  # fmt: skip
def test_many_schemas_times_many_values_take_bounded_time(schema: Schema, value: object) -> None:
    """To say yes or no, and to say why: each failed branch once carried a copy of the value."""
    soon(schema, value)


def test_a_usual_answer_is_judged_with_its_place() -> None:
    """The bounds above are far from it: 20 kinds of node, ten levels, hundreds of values."""
    kinds = [
        {
            "type": "object",
            "properties": {
                "kind": {"const": f"k{n}"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["kind"],
        }
        for n in range(20)
    ]
    schema: Schema = {"$ref": "#/$defs/node", "$defs": {"node": {"anyOf": kinds}}}
    tree: object = {"kind": "k19"}
    for n in range(10):
        tree = {"kind": f"k{n}", "children": [{"kind": "k19"}] * 30 + [tree]}

    assert problem(schema, msgspec.json.encode(tree)) == ""
    text = {**schema, "$ref": "#/$defs/top"}
    text["$defs"] = {
        **schema["$defs"],
        "top": {"type": "object", "properties": {"a": {"items": {"anyOf": kinds[:5]}}}},
    }
    assert problem(text, b'{"a": [{"kind": "k1"}, {"kind": "x"}]}').startswith("at /a/1: ")


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A real socket, and who connected to it."""
    reached: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def count() -> None:
            while not done.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                reached.append(str(address))
                connection.close()

        counting = threading.Thread(target=count)
        counting.start()
        yield server.getsockname()[1], reached
        done.set()
        counting.join()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "ADDRESS"},
        {"$ref": "ADDRESS#/$defs/a"},
        {"properties": {"a": {"$dynamicRef": "ADDRESS"}}},
        {"$id": "ADDRESS", "$ref": "other"},
        {"$schema": "ADDRESS", "type": "object"},
        {"$id": "ADDRESS", "type": "object"},
        {"anyOf": [{"$ref": "file:///etc/passwd"}, {"$ref": "ADDRESS"}]},
    ],
)
def test_no_reference_reaches_anything(schema: Schema, listener: tuple[int, list[str]]) -> None:
    """Neither when it is compiled, nor when it validates; nor does a plan."""
    port, reached = listener
    text = msgspec.json.encode(schema).replace(b"ADDRESS", b"http://127.0.0.1:%d/x" % port)
    outcomes: list[object] = []

    for use in (plan, lambda raw: Validator(raw).problem(b'{"a": 1}')):
        try:
            outcomes.append(use(Json(text)))
        except Fault as fault:
            outcomes.append(fault)
    with socket.create_connection(("127.0.0.1", port)) as own:  # the count works, and is over
        own.recv(1)

    assert len(outcomes) == 2
    assert len(reached) == 1


def test_the_library_fetches_nothing_even_if_it_is_asked_to(
    listener: tuple[int, list[str]],
) -> None:
    """The check before it lets no such schema pass; this is what holds if it ever does."""
    port, reached = listener

    with pytest.raises(Invalid):
        _compile({"$ref": f"http://127.0.0.1:{port}/x"}, "x", 1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as own:
        own.recv(1)

    assert len(reached) == 1


NAMES = (
    *("date", "time", "date-time", "duration", "uuid", "email", "ipv4", "ipv6", "hostname", "uri"),
    *("uri-reference", "uri-template", "iri", "iri-reference", "json-pointer", "regex", "byte"),
    *("relative-json-pointer", "idn-email", "idn-hostname", "password", "int64", "enum", "new"),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_formats_that_a_grammar_holds_are_those_asserted(name: str) -> None:
    """No answer fails for a format that was never asked of the model."""
    assert bool(problem({"format": name}, b'"( \\u0001"')) == (name in FORMATS)


def test_validators_are_kept_by_bytes_and_the_oldest_go() -> None:
    """A schema that comes with every request is compiled once."""
    kept = Validators(most=2)
    first, second, third = (Json(b'{"maxLength":%d}' % n) for n in range(3))

    one = kept.validator_for(first)
    kept.validator_for(second)
    assert kept.validator_for(first) is one
    kept.validator_for(third)

    assert len(kept) == 2
    assert kept.validator_for(first) is one


def test_validators_are_bounded_in_bytes() -> None:
    """Few large schemas weigh as much as many small ones."""
    kept = Validators(most_bytes=5000)

    for n in range(10):
        kept.validator_for(Json(b'{"title":"%s"}' % (b"%d" % n * 100)))

    assert 1 <= len(kept) <= 3


def test_a_pattern_weighs_more_than_its_text() -> None:
    """Its automaton may take a megabyte."""
    kept = Validators(most_bytes=3 << 20)

    for n in range(10):
        kept.validator_for(Json(b'{"pattern":"%d"}' % n))

    assert len(kept) == 2


def test_the_library_is_loaded_with_the_first_schema() -> None:
    """A server that never meets one is spared its memory."""
    code = (
        "import sys, geminid.pipeline.validator as v, geminid.core.schema;"
        "assert 'jsonschema_rs' not in sys.modules;"
        "v.Validator(b'{}'); assert 'jsonschema_rs' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-20, 20) | st.sampled_from([0.5, "", "a", "ab", "ü"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "name", "value", "*"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def widened(schema: Schema, value: object) -> str:
    """What is wrong with a `value` that the plan of `schema` lets through."""
    raw = Json(msgspec.json.encode(schema))
    try:
        found = plan(raw)
    except Fault:
        return ""
    text = msgspec.json.encode(value)
    if found.checked or Validator(found.grammar).problem(text):
        return ""
    return Validator(raw).problem(text)


@settings(deadline=None)
@given(schemas(), VALUES)
def test_whatever_a_plan_lets_through_the_schema_does(schema: Schema, value: object) -> None:
    """A grammar may be narrower, never wider; what it leaves open it names."""
    assert widened(schema, value) == ""


@settings(deadline=None)
@given(schemas())
def test_every_plan_is_itself_a_schema(schema: Schema) -> None:
    """And one within bounds."""
    try:
        found = plan(Json(msgspec.json.encode(schema)))
    except Fault:
        return

    assert Validator(found.grammar).problem(b"[[[0]]]") is not None


@settings(deadline=None)
@given(gemini_schemas())
def test_gemini_s_subset_becomes_json_schema(schema: Schema) -> None:
    """All of it can be planned and compiled."""
    converted = to_json_schema(Json(msgspec.json.encode(schema)))

    plan(converted)
    Validator(converted)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(schemas(), VALUES)
def test_whatever_a_plan_lets_through_the_schema_does_at_length(
    schema: Schema, value: object
) -> None:
    """As above, for many more schemas."""
    assert widened(schema, value) == ""
