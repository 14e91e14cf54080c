"""Which definitions can come to an end.

`a` with a required property that is an `a` has no finite value: a model would write for ever.
Such branches are cut off where another way is left.
"""

from geminid.core.schema.openapi import Tree


class Life:
    """The definitions of one plan; those that no finite value satisfies are dead."""

    def __init__(self, trees: dict[str, Tree | None]) -> None:
        self._alive: set[str] = set()
        self._trees = trees
        # Whoever names a definition that came alive is looked at again, and nobody else.
        named_by: dict[str, list[str]] = {}
        for name, tree in trees.items():
            for ref in _references(tree):
                named_by.setdefault(ref, []).append(name)
        waiting = list(trees)
        while waiting:
            name = waiting.pop()
            tree = trees[name]
            if name not in self._alive and tree is not None and self._lives(tree):
                self._alive.add(name)
                waiting.extend(named_by.get(name, ()))

    def trees(self) -> dict[str, Tree | None]:
        """The living definitions, without their dead branches."""
        return {
            name: self.keep(tree)
            for name, tree in self._trees.items()
            if name in self._alive and tree is not None
        }

    def keep(self, tree: Tree) -> Tree | None:
        """`tree` without its dead branches; `None` if it is dead itself."""
        if not self._lives(tree):
            return None
        match tree:
            case {"anyOf": list(branches)}:
                kept = [found for branch in branches if (found := self.keep(branch)) is not None]
                return {"anyOf": kept} if len(kept) > 1 else kept[0]
            case {"properties": dict(properties)}:
                named = {name: self.keep(each) for name, each in properties.items()}
                living = {name: each for name, each in named.items() if each is not None}
                return tree | {"properties": living}
            case {"additionalProperties": dict(value)}:
                rest = self.keep(value)
                closed: Tree = {"properties": {}, "additionalProperties": False}
                return tree | (closed if rest is None else {"additionalProperties": rest})
            case {"prefixItems": list(places)}:
                return tree | {"prefixItems": [self.keep(place) for place in places]}
            case {"items": dict(items)}:
                item = self.keep(items)
                empty: Tree = {"items": {"type": "null"}, "maxItems": 0}
                return tree | (empty if item is None else {"items": item})
        return tree

    def _lives(self, tree: Tree) -> bool:
        match tree:
            case {"$ref": str(ref)}:
                return ref.removeprefix("#/$defs/") in self._alive
            case {"anyOf": list(branches)}:
                return any(self._lives(branch) for branch in branches)
            case {"properties": dict(properties)}:
                required = tree.get("required")
                names = required if isinstance(required, list) else []
                return all(self._lives(properties[name]) for name in names)
            case {"prefixItems": list(places)}:
                return all(self._lives(place) for place in places)
            case {"items": dict(items), "minItems": int()}:
                return self._lives(items)
        return True


def _references(tree: object) -> set[str]:
    """The definitions that `tree` names."""
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            ref = each.get("$ref")
            if isinstance(ref, str):
                found.add(ref.removeprefix("#/$defs/"))
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return found
