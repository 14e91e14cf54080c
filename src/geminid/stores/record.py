"""One request in the books: `Record` as it is written down, `Row` as it is read back."""

import msgspec

from geminid.core.ports import Opening, Settlement
from geminid.core.usage import Usage

UNCONFIRMED = "unconfirmed"
"""The outcome of a request that was in flight when its process died."""

_INT64 = 2**63 - 1


class Record(msgspec.Struct, frozen=True):
    """A request that has ended: both halves, of one `request_id`."""

    opening: Opening
    settlement: Settlement


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the log shows it: the fields of `Opening` and `Settlement` side by side.

    `usage` is `None` when nobody counted; its details by modality are not kept.  Numbers are
    capped at 64 bits, since an upstream may claim any count and the row must still be written.
    """

    request_id: str
    started: float
    ended: float
    first_byte: float
    caller: str
    dialect: str
    model: str
    channel: str
    engine: str
    upstream_model: str
    stream: bool
    outcome: str
    finish: str
    hold_nusd: int
    usage: Usage | None

    @classmethod
    def of(cls, record: Record) -> "Row":
        """The row that `record` becomes."""
        opening, settlement = record.opening, record.settlement
        return cls(
            request_id=opening.request_id,
            started=opening.started,
            ended=settlement.ended,
            first_byte=settlement.first_byte,
            caller=opening.caller,
            dialect=opening.dialect,
            model=opening.model,
            channel=opening.channel,
            engine=opening.engine,
            upstream_model=opening.upstream_model,
            stream=opening.stream,
            outcome=settlement.outcome,
            finish=settlement.finish,
            hold_nusd=_capped(opening.hold_nusd),
            usage=None if settlement.usage is None else _counts(settlement.usage),
        )


def _counts(usage: Usage) -> Usage:
    return Usage(
        prompt=_capped(usage.prompt),
        output=_capped(usage.output),
        thoughts=_capped(usage.thoughts),
        cached=_capped(usage.cached),
        tool_use=_capped(usage.tool_use),
        service_tier=usage.service_tier,
        cost_nusd=None if usage.cost_nusd is None else _capped(usage.cost_nusd),
    )


def _capped(number: int) -> int:
    return max(-_INT64, min(number, _INT64))
