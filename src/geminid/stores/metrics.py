"""What operators watch, counted in memory and told in Prometheus' text form."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """`core.ports.Meter`.  Counts from the start of this process; a restart begins at zero.

    The library (10 MB) is loaded when there is something to count.
    """

    def __init__(self) -> None:
        self._registry: CollectorRegistry | None = None
        self._contracts: Counter | None = None

    def contract(self, *, channel: str, model: str, stage: str, kept: bool) -> None:
        """See `core.ports.Meter`."""
        if self._contracts is None:
            self._contracts = self._counter()
        self._contracts.labels(channel, model, stage, "yes" if kept else "no").inc()

    def text(self) -> bytes:
        """The page of `/metrics`: Prometheus' text form 0.0.4."""
        if self._registry is None:
            return b""
        from prometheus_client.exposition import generate_latest  # noqa: PLC0415  see the class

        return generate_latest(self._registry)

    def _counter(self) -> "Counter":
        import prometheus_client  # noqa: PLC0415  see the class

        # Their library says when each counter was made, which nobody asks for.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it is so
        self._registry = prometheus_client.CollectorRegistry()
        return prometheus_client.Counter(
            "geminid_contract_answers",
            "Answers that had to keep to a schema or to their tools: as they came (first), and as"
            " they left after asking again (final).",
            ("channel", "model", "stage", "kept"),
            registry=self._registry,
        )
