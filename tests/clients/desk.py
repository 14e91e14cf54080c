"""What stands behind the functions that models call in the loops, for every OpenAI client."""

from collections.abc import Callable
from typing import Any

from tests.clients.agents import Called

ANSWERS: dict[str, dict[str, str]] = {
    "check_flight": {"status": "delayed", "departure": "12 PM"},
    "book_taxi": {"booking": "ok"},
    "send_mail": {"sent": "yes"},
    "check_weather": {"temp": "15C"},
}


class Desk:
    """Does what is called for; `called` is what it was.

    `first` happens during the first call: between two requests of the loop.
    """

    def __init__(self, first: Callable[[], None] | None = None) -> None:
        self.called: list[Called] = []
        self._first = first

    def do(self, name: str, arguments: dict[str, Any]) -> dict[str, str]:
        """The function's result."""
        if not self.called and self._first is not None:
            self._first()
        self.called.append((name, arguments))
        return ANSWERS[name]


def declared(name: str, *fields: str) -> dict[str, Any]:
    """A function whose arguments are texts, as OpenAI's API takes it."""
    parameters = {
        "type": "object",
        "properties": {field: {"type": "string"} for field in fields},
        "required": list(fields),
        "additionalProperties": False,
    }
    described = {"name": name, "description": f"Does {name}.", "parameters": parameters}
    return {"type": "function", "function": described}


TOOLS: list[Any] = [
    declared("check_flight", "flight"),
    declared("book_taxi", "time"),
    declared("send_mail", "to", "subject"),
    declared("check_weather", "city"),
]
