"""DecisionService."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from authz.rpc.admin.call import Call
from authz.rpc.admin.decision_messages import RULINGS, to_decision
from authz.rpc.admin.fields import WireFields, reading
from authz.service.admin.decisions import DecisionFilter, Decisions
from proto.tessera.admin.v1.decisions_pb2 import (
    ExplainDecisionRequest,
    ExplainDecisionResponse,
    ListDecisionsRequest,
    ListDecisionsResponse,
)


class DecisionServicer:
    """Unpacks, calls, packs."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    async def explain_decision(
        self, request: ExplainDecisionRequest, _: Call
    ) -> ExplainDecisionResponse:
        """Return what was decided about one request."""
        decision, names = await self._decisions.explain(request.id)
        return ExplainDecisionResponse(decision=to_decision(decision, names))

    async def list_decisions(self, request: ListDecisionsRequest, _: Call) -> ListDecisionsResponse:
        """Return one page of decisions."""
        with reading() as fields:
            page = fields.page(request.page_size, request.page_token)
            wanted = _read_filter(request, fields)
        found, names = await self._decisions.list(wanted, page)
        return ListDecisionsResponse(
            decisions=[to_decision(each, names) for each in found.items],
            next_page_token=found.next_token or "",
        )


def _read_filter(request: ListDecisionsRequest, fields: WireFields) -> DecisionFilter:
    return DecisionFilter(
        account=request.account,
        key_id=request.key_id and str(fields.id("key_id", request.key_id)),
        reason=request.reason,
        ruling=fields.enum("verdict", request.verdict, RULINGS),
        start=_read_moment(request, "start_time", fields),
        end=_read_moment(request, "end_time", fields),
    )


def _read_moment(request: ListDecisionsRequest, path: str, fields: WireFields) -> datetime | None:
    sent: Timestamp = getattr(request, path)
    return fields.moment(path, sent) if request.HasField(path) else None
