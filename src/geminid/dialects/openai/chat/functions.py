"""The functions of one request as its caller knows them."""

from collections.abc import Mapping

import msgspec


class Functions(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are told to the caller who declared the functions.

    `renamed` has the caller's name for each function that goes by another one inside (by that one).
    `custom` are the inside names of free-form tools, whose only argument is the text `input`.
    `legacy`: they were declared as `functions`, so a call is answered as `function_call`.
    """

    renamed: Mapping[str, str] = {}
    custom: frozenset[str] = frozenset()
    legacy: bool = False

    def theirs(self, name: str) -> str:
        """The caller's name for the function that is `name` inside."""
        return self.renamed.get(name, name)
