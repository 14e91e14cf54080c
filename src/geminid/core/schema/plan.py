"""From a JSON Schema to one whose grammar llama.cpp builds rightly, and what is then left to check.

llama.cpp takes a schema of any kind and leaves out without a word what it cannot do (`not`,
`multipleOf`, what stands beside `anyOf`); some schemas make it run for ever or take all memory
(`minItems` above `maxItems`), some give a grammar that allows nothing.  So it is only ever handed
what this module writes: one type at a time, references to `#/$defs/dN`, and the few keywords of
each type that were seen to work.

A plan may be *narrower* than the schema, never wider, save for the keywords it names in `checked`.
"""

from typing import Final

import msgspec

from geminid.core.content import Json
from geminid.core.errors import Invalid, Unsupported
from geminid.core.schema.bounds import check_bounds
from geminid.core.schema.keywords import KEYWORDS, REFUSED
from geminid.core.schema.life import Life
from geminid.core.schema.merge import Apart, merge_all
from geminid.core.schema.openapi import Tree
from geminid.core.schema.refs import Refs
from geminid.core.schema.scalars import Beyond, counted, counts, decimal, integer, listed, string
from geminid.core.schema.values import spelled

MOST_RULES: Final = 3000
"""Schemas in one plan, each alternative counted anew: 1,000 objects took llama.cpp 2.5 s."""

MOST_ITEMS: Final = 500
"""That `minItems` and `maxItems` may count: llama.cpp refuses 2,000."""

_DEEPEST: Final = 110  # calls here for one place in a schema: what merges into itself ends so
_MOST_MERGED: Final = 100_000  # schemas and properties, each time that they are merged anew
_EXTRA_ITEMS: Final = 64
_FAMILIES: Final = {
    "object": (
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
        *("propertyNames", "dependentRequired"),
    ),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


class Plan(msgspec.Struct, frozen=True):
    """`grammar` is the schema for llama.cpp; `checked` the keywords that only a validator holds.

    With `checked` empty, whatever the grammar lets through to its end is valid.
    """

    grammar: Json
    checked: tuple[str, ...] = ()


def plan(schema: Json, where: str = "the schema") -> Plan:
    """How to have `schema` (JSON Schema) decoded.  Takes bounded time; does no I/O.

    `where` is the field that it came in, for messages.

    Raises:
        Invalid: not a schema, past a bound (`check_bounds`), or one that nothing can satisfy.
        Unsupported: a keyword that no grammar here can hold; names it and its place.
    """
    check_bounds(schema, where)
    root = msgspec.json.decode(schema)
    planner = _Planner(root, where)
    found = planner.tree(root, "")
    trees = planner.finish()
    life = Life(trees)
    kept = None if found is None else life.keep(found)
    if kept is None and planner.guessed:
        raise Unsupported(
            f"{where}: a grammar holds one type at each place, and of those that it tried here"
            " nothing is left. Name the `type` wherever a keyword speaks of one."
        )
    if kept is None:
        raise Invalid(f"{where}: nothing can satisfy it. Look for limits that exclude each other.")
    definitions = {name: tree for name, tree in life.trees().items() if tree is not None}
    if definitions:
        kept = kept | {"$defs": definitions}
    return Plan(Json(msgspec.json.encode(kept)), tuple(sorted(planner.checked)))


class _Planner:
    """Writes each schema anew; `None` stands for one that nothing satisfies.

    `guessed` says that some schema named no type: then `None` may mean the type that was taken.
    """

    def __init__(self, root: object, where: str) -> None:
        self.checked: set[str] = set()
        self.guessed = False
        self._refs, self._where = Refs(root), where
        self._names: dict[int, str] = {}
        self._waiting: list[tuple[str, object]] = []
        self._rules = self._depth = self._merged = 0

    def finish(self) -> dict[str, Tree | None]:
        """The definitions that were referred to, by name."""
        done: dict[str, Tree | None] = {}
        while self._waiting:
            name, schema = self._waiting.pop()
            done[name] = self.tree(schema, f"/$defs ({name})")
        return done

    def tree(self, schema: object, path: str) -> Tree | None:
        """`schema` as llama.cpp is to read it."""
        self._rules += 1
        if self._rules > MOST_RULES or self._depth > _DEEPEST:
            raise self._multiply()
        self._depth += 1
        try:
            if schema is True:
                return self._anything()
            if not isinstance(schema, dict):
                return None
            return self._object_schema(schema, path)
        except Beyond as error:
            raise Unsupported(f"{self._where}: at #{path[:200]}: {error}") from error
        finally:
            self._depth -= 1

    # Combinations -------------------------------------------------------------------------------

    def _object_schema(self, schema: Tree, path: str) -> Tree | None:
        refused = next((key for key in schema if key in REFUSED), None)
        if refused:
            raise self._cannot(refused, path)
        if "$ref" in schema and not any(_asserts(key) for key in schema if key != "$ref"):
            return {"$ref": f"#/$defs/{self._name(str(schema['$ref']))}"}
        flat = self._flat(schema, path)
        if flat is False:
            return None
        if flat is True:
            return self._anything()
        for key in ("anyOf", "oneOf"):
            if key in flat:
                return self._choice(key, flat, path)
        return self._plain(flat, path)

    def _name(self, ref: str) -> str:
        target = self._refs.target(ref)
        name = self._names.get(id(target))
        if name is None:
            name = self._names[id(target)] = f"d{len(self._names)}"
            self._waiting.append((name, target))
        return name

    def _flat(self, schema: object, path: str) -> Tree | bool:
        """`schema` without `$ref` and `allOf`: merged."""
        found: list[Tree] = []
        waiting: list[object] = [schema]
        while waiting:
            part = waiting.pop()
            if part is True:
                continue
            if not isinstance(part, dict):
                return False
            refused = part.keys() & REFUSED
            if refused:
                raise self._cannot(min(refused), path)
            named = part.get("properties")
            self._merged += 1 + (len(named) if isinstance(named, dict) else 0)
            if self._merged > _MOST_MERGED:
                raise self._multiply()
            found.append({k: v for k, v in part.items() if k not in ("$ref", "allOf")})
            parts = [self._refs.target(str(part["$ref"]))] if "$ref" in part else []
            waiting.extend(reversed([*parts, *_listed(part.get("allOf"))]))
        try:
            return merge_all(found, self.checked) if found else True
        except Apart as error:
            raise Unsupported(
                f"{self._where}: at #{path[:200]}: `allOf`, or what stands beside `$ref`, holds"
                f" `{error}` twice, and the two cannot be merged here. Write one schema."
            ) from error

    def _choice(self, key: str, flat: Tree, path: str) -> Tree | None:
        rest = {name: value for name, value in flat.items() if name != key}
        beside = any(_asserts(name) for name in rest)
        given = flat[key]
        branches: list[Tree] = []
        for at, branch in enumerate(_listed(given)):
            one = {"allOf": [rest, branch]} if beside else branch
            found = self.tree(one, f"{path}/{key}/{at}")
            if found is not None:
                inner = found.get("anyOf") if len(found) == 1 else None
                branches.extend(inner if isinstance(inner, list) else [found])
        kinds = [_kinds(branch) for branch in _listed(given)]
        if key == "oneOf" and (not all(kinds) or sum(map(len, kinds)) > len(set().union(*kinds))):
            self.checked.add("oneOf")
        unique = {msgspec.json.encode(branch): branch for branch in branches}
        if len(unique) == 1:
            return branches[0]
        return {"anyOf": list(unique.values())} if unique else None

    # One value ----------------------------------------------------------------------------------

    def _plain(self, flat: Tree, path: str) -> Tree | None:
        if "const" in flat or "enum" in flat:
            values = flat.get("enum")
            if "const" in flat:
                found = flat["const"]
                same = values is None or spelled(found) in map(spelled, _listed(values))
                values = [found] if same else []
            return listed(_listed(values), flat, self.checked)
        kinds = flat.get("type")
        if isinstance(kinds, list):
            # What is a number is already an integer.
            wanted = [kind for kind in kinds if kind != "integer" or "number" not in kinds]
            each = [self._typed(str(kind), flat, path) for kind in dict.fromkeys(wanted)]
            found_ones = [tree for tree in each if tree is not None]
            if len(found_ones) > 1:
                return {"anyOf": found_ones}
            return found_ones[0] if found_ones else None
        if kinds is None:
            # Each keyword speaks of one type and lets the others pass: the first that is spoken of.
            kinds = next(
                (kind for kind, keys in _FAMILIES.items() if any(key in flat for key in keys)), None
            )
            self.guessed = self.guessed or kinds is not None
        return self._anything() if kinds is None else self._typed(str(kinds), flat, path)

    def _typed(self, kind: str, flat: Tree, path: str) -> Tree | None:
        match kind:
            case "object":
                return self._object(flat, path)
            case "array":
                return self._array(flat, path)
            case "string":
                return string(flat, self.checked)
            case "integer":
                return integer(flat, self.checked)
            case "number":
                return decimal(flat, self.checked)
            case _:
                return {"type": kind}

    def _anything(self) -> Tree:
        self.checked.add("additionalProperties")  # names of an object's properties may come twice
        return {"description": "any value"}  # `{}` is an object to llama.cpp, this is not

    def _object(self, flat: Tree, path: str) -> Tree | None:
        given = flat.get("properties")
        named: Tree = dict(given) if isinstance(given, dict) else {}
        required = [str(name) for name in _listed(flat.get("required"))]
        rest = flat.get("additionalProperties", True)
        named |= {name: rest for name in dict.fromkeys(required) if name not in named}
        low, high = counts(flat, "Properties")
        if "dependentRequired" in flat:
            self.checked.add("dependentRequired")
        if not named:
            return self._map(flat, rest, path)
        if "propertyNames" in flat:
            self.checked.add("propertyNames")
        written: Tree = {}
        for name in dict.fromkeys([*_listed(flat.get("propertyOrdering")), *named]):
            if name not in named or (name == "*" and name not in required):
                continue  # llama.cpp's own word for any other property is `*`
            found = self.tree(named[str(name)], f"{path}/properties/{name}")
            if found is not None:
                written[str(name)] = found
            elif name in required:
                return None
        needed = [name for name in written if name in required]
        if high is not None and high < len(needed):
            return None
        if low > len(written):
            if rest is False:
                return None
            raise self._cannot("minProperties", path, "name as many `properties`")
        self.checked.update(
            key
            for key, loose in (
                ("minProperties", low > len(needed)),
                ("maxProperties", high is not None and high < len(written)),
            )
            if loose
        )
        tree: Tree = {"type": "object", "properties": written}
        if needed:
            tree["required"] = needed
        return tree | {"additionalProperties": False}

    def _map(self, flat: Tree, rest: object, path: str) -> Tree | None:
        """An object of which no property is named."""
        low, high = counts(flat, "Properties")
        closed: Tree = {"type": "object", "properties": {}, "additionalProperties": False}
        if "properties" in flat and "additionalProperties" not in flat:
            if low:
                raise self._cannot("minProperties", path, "name as many `properties`")
            return closed
        value = None if rest is False or high == 0 else self.tree(rest, f"{path}/additional")
        if value is None:
            return None if low else closed
        if "propertyNames" in flat:
            raise self._cannot("propertyNames", path, "name the `properties`")
        if high is not None and low > high:
            return None
        self.checked.add("additionalProperties")
        self.checked.update({"minProperties"} if low else ())
        self.checked.update({"maxProperties"} if high is not None else ())
        if "type" not in value and len(value) == 1 and "description" in value:
            return {"type": "object"}
        return {"type": "object", "additionalProperties": value}

    def _array(self, flat: Tree, path: str) -> Tree | None:
        low, high = counts(flat, "Items")
        if "prefixItems" in flat:
            return self._tuple(flat, path)
        items = self.tree(flat.get("items", True), f"{path}/items") if high != 0 else None
        choices = items.get("enum") if items is not None else None
        if flat.get("uniqueItems") is True and (high is None or high > 1):
            if isinstance(choices, list):
                high = min(len(choices), len(choices) if high is None else high)
            self.checked.add("uniqueItems")
        if items is None:
            items, high = {"type": "null"}, 0
        if high is not None and low > high:
            return None
        tree: Tree = {"type": "array", "items": items}
        return tree | counted("Items", low, high, MOST_ITEMS, self.checked)

    def _tuple(self, flat: Tree, path: str) -> Tree | None:
        """llama.cpp writes a tuple whole: no shorter one, and nothing behind it."""
        low, high = counts(flat, "Items")
        if high is not None and low > high:
            return None
        given = _listed(flat["prefixItems"])
        places: list[Tree] = []
        for at, place in enumerate(given):
            found = self.tree(place, f"{path}/prefixItems/{at}")
            if found is None or len(places) == high:
                break
            places.append(found)
        if low > len(places):
            items = self.tree(flat.get("items", True), f"{path}/items")
            if items is None or len(places) < len(given):
                return None
            if low > _EXTRA_ITEMS:
                raise self._cannot("minItems", path, f"ask for at most {_EXTRA_ITEMS}")
            places += [items] * (low - len(places))
        if flat.get("uniqueItems") is True and len(places) > 1:
            self.checked.add("uniqueItems")
        if not places:
            return {"type": "array", "items": {"type": "null"}, "maxItems": 0}
        size = len(places)  # what llama.cpp writes in any case
        return {"type": "array", "prefixItems": places, "minItems": size, "maxItems": size}

    def _multiply(self) -> Unsupported:
        return Unsupported(
            f"{self._where}: its alternatives multiply to more than a grammar can hold here."
            " Use `$defs` and fewer combinations."
        )

    def _cannot(self, key: str, path: str, advice: str = "") -> Unsupported:
        advice = advice or KEYWORDS[key].note or "say it in the `description` instead"
        return Unsupported(
            f"{self._where}: at #{path[:200]}: this model's engine cannot hold an answer to"
            f" `{key}`; {advice}, or ask a model that a Gemini channel serves."
        )


def _asserts(key: str) -> bool:
    """Whether `key` says what is valid, and is no store of definitions."""
    keyword = KEYWORDS.get(key)
    return (
        keyword is not None
        and keyword.how != "ignored"
        and key not in ("$defs", "definitions", "$anchor")
    )


def _kinds(schema: object) -> set[str]:
    """The one type that `schema` names; `set()` if it does not say so itself."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if not isinstance(kind, str):
        return set()
    return {"number", "integer"} if kind in ("number", "integer") else {kind}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
