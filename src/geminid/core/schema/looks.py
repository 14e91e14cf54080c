"""How often a validator may look at one value, told by the schema alone.

A validator that remembers nothing looks at a value once for each way that leads there: `a` is
twice `b`, `b` twice `c`, and so on for forty definitions, makes 2**40 of one string.  jsonschema-rs
0.60 remembers, for each value, what a reference said that leads back to a schema around it, and no
other.  Which ones these are depends on its order of compiling, so here it may be any of a circle.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from geminid.core.schema.refs import Refs, in_place, walk

ENDLESS: Final = 1 << 60
"""More than anybody may look."""

_CUTS: Final = 4  # in one knot of circles; each multiplies
_STEPS: Final = 1 << 19  # of work in here, for all levels together
_COMPARED: Final = 8  # looks that comparing one value of an enum may cost
_ALWAYS: Final = ("unevaluatedProperties", "propertyNames", "contains", "unevaluatedItems")

Cost: TypeAlias = tuple[int, int]
"""Looks to judge a value, and to tell which of its members were judged (`unevaluated...`)."""


class _Node(msgspec.Struct):
    """One schema: its own weight, the schemas of the same value, those of a member.

    Of each of the `groups` a member meets one schema, and all of `each`.
    """

    own: int
    same: list[int]
    groups: list[list[int]]
    each: list[int]
    again: bool

    def inner(self) -> Iterator[int]:
        yield from self.same
        yield from self.each
        for group in self.groups:
            yield from group


class Looks:
    """The looks that `root` takes.  For a schema of known size without circles in one place."""

    def __init__(self, root: object, refs: Refs) -> None:
        schemas = [each for _, each in walk(root) if isinstance(each, dict)]
        at = {id(each): place for place, each in enumerate(schemas)}
        self._nodes = [_node(each, refs, at) for each in schemas]
        self._targets = {at[id(each)] for each in refs.named() if id(each) in at}
        in_one_place = _knots([node.same for node in self._nodes])
        self._order = [place for knot in in_one_place for place in knot]
        self._levels: list[dict[int, Cost]] = []
        self.loose = False
        """Whether what `remembering` said is far from exact, for there are circles in circles."""

    def remembering(self) -> int:
        """At most so many at any one value, by a validator that remembers; at most `ENDLESS`."""
        costs: dict[int, Cost] = {}
        inner = [list(node.inner()) for node in self._nodes]
        for knot in _knots(inner):
            if len(knot) == 1 and knot[0] not in inner[knot[0]]:
                costs[knot[0]] = self._cost(knot[0], costs, costs)
            else:
                costs.update(self._knot(set(knot), inner, costs))
        return max((judged for judged, _ in costs.values()), default=1)

    def forgetting(self, sizes: list[int], most: int) -> int:
        """All looks at a value with `sizes[n]` values at depth `n`, by one that forgets.

        Counts no further than `most`.
        """
        total = 0
        for depth, size in enumerate(sizes):
            if depth * len(self._nodes) > _STEPS:
                return ENDLESS
            looks = self._looks(depth)
            total += size * looks
            if total > most or not looks:
                break
        return total

    def _looks(self, depth: int) -> int:
        while len(self._levels) <= depth:
            found: dict[int, Cost] = {}
            below = self._levels[-1] if self._levels else {}
            for place in self._order:
                found[place] = self._cost(place, found, below, own=not self._levels)
            self._levels.append(found)
        return self._levels[depth][0][0] if self._nodes else 0

    def _cost(
        self, place: int, same: Mapping[int, Cost], below: Mapping[int, Cost], *, own: bool = True
    ) -> Cost:
        node = self._nodes[place]
        looks = node.own if own else 0
        looks += sum(same[each][0] for each in node.same)
        if below:
            looks += sum(below[each][0] for each in node.each)
            looks += sum(max(below[each][0] for each in group) for group in node.groups if group)
        again = looks + sum(same[each][1] for each in node.same)
        return min(ENDLESS, looks + again * node.again), min(ENDLESS, again)

    def _knot(
        self, knot: set[int], inner: list[list[int]], outside: dict[int, Cost]
    ) -> dict[int, Cost]:
        """Circles are opened where most references lead; no way leads twice through one place."""
        targets, cut = self._targets & knot, set[int]()
        while True:
            open_ = {place: [to for to in inner[place] if to in knot - cut] for place in knot}
            parts = _knots(open_)
            closed = {place for part in parts if len(part) > 1 for place in part}
            closed |= {place for place in knot if place in open_[place]}
            if not closed:
                break
            into = [to for place in closed for to in open_[place] if to in targets & closed]
            if len(cut) == _CUTS or not into:
                self.loose = True
                return dict.fromkeys(knot, (ENDLESS, ENDLESS))
            cut.add(max(sorted(set(into)), key=into.count))
        costs = outside | dict.fromkeys(cut, (1, 1))
        found: dict[int, Cost] = {}
        for (place,) in parts:
            found[place] = self._cost(place, costs, costs)
            if place not in cut:
                costs[place] = found[place]
        factor = 1
        if len(targets) > 1:  # one alone is always on the way when it is met again
            self.loose, factor = True, len(targets)
            for place in cut:
                factor *= found[place][0]
        return {
            place: (min(ENDLESS, judged * factor), min(ENDLESS, again * factor))
            for place, (judged, again) in found.items()
        }


def _node(schema: dict[str, object], refs: Refs, at: dict[int, int]) -> _Node:
    def places(found: object) -> list[int]:
        given = found if isinstance(found, list) else [found]
        return [at[id(each)] for each in given if id(each) in at]

    def values(key: str) -> list[object]:
        found = schema.get(key)
        return list(found.values()) if isinstance(found, dict) else []

    prefix = schema.get("prefixItems")
    return _Node(
        own=1 + _weight(schema),
        same=places(list(in_place(schema, refs))),
        groups=[
            places([*values("properties"), schema.get("additionalProperties")]),
            places([*(prefix if isinstance(prefix, list) else []), schema.get("items")]),
        ],
        each=places([*values("patternProperties"), *(schema.get(key) for key in _ALWAYS)]),
        again="unevaluatedProperties" in schema or "unevaluatedItems" in schema,
    )


def _weight(schema: dict[str, object]) -> int:
    """Comparing with one string or integer of many is a look-up; with anything else it is not."""
    listed = schema.get("enum")
    values = listed if isinstance(listed, list) else []
    alike = {type(value) for value in values}
    return 0 if alike <= {str} or alike <= {int} else _COMPARED * len(values)


def _knots(inner: Mapping[int, list[int]] | list[list[int]]) -> list[list[int]]:
    """Places that lead to each other, together; each knot behind those it leads to (Tarjan)."""
    graph = dict(enumerate(inner)) if isinstance(inner, list) else inner
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on: set[int] = set()
    knots: list[list[int]] = []
    for start in graph:
        if start in number:
            continue
        work = [(start, iter(graph[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        on.add(start)
        while work:
            place, rest = work[-1]
            to = next(rest, None)
            if to is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == number[place]:
                    at = stack.index(place) if stack[-1] != place else len(stack) - 1
                    knots.append(stack[at:])
                    on.difference_update(stack[at:])
                    del stack[at:]
            elif to not in number:
                number[to] = low[to] = len(number)
                stack.append(to)
                on.add(to)
                work.append((to, iter(graph[to])))
            elif to in on:
                low[place] = min(low[place], number[to])
    return knots
