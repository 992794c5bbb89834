"""Writes down why requests were refused."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from authz.domain.decision import Decision
from authz.domain.evidence import Evidence
from authz.storage.short_statements import ShortStatements

# A row from a clock that is days off has no partition, and must not keep the others from being
# written. The conflict's columns are not named, because this role may not read the table.
_WRITE: Final = """
    WITH written AS (
        INSERT INTO decisions (
                    at, request_id, process, verdict, reason, status, code, retry_after, endpoint,
                    retry_count, account_id, key_id, cost_requests, cost_tokens, budget, source,
                    dimension, limit_units, used_units, requested_units, wait, lease_requests,
                    lease_tokens, lease_ends_in, directory_number, directory_age)
             SELECT at, request_id, process, verdict, reason, status, code, retry_after, endpoint,
                    retry_count, account_id, key_id, cost_requests, cost_tokens, budget, source,
                    dimension, limit_units, used_units, requested_units, wait, lease_requests,
                    lease_tokens, lease_ends_in, directory_number, directory_age
               FROM jsonb_to_recordset($1::jsonb) AS kept (
                    at timestamptz, request_id text, process text, verdict text, reason text,
                    status integer, code text, retry_after interval, endpoint text,
                    retry_count integer, account_id uuid, key_id uuid, cost_requests bigint,
                    cost_tokens bigint, budget text, source text, dimension text,
                    limit_units bigint, used_units bigint, requested_units bigint, wait interval,
                    lease_requests bigint, lease_tokens bigint, lease_ends_in interval,
                    directory_number bigint, directory_age interval)
              WHERE at < clock_timestamp() + interval '1 day'
                AND (at > clock_timestamp() - interval '1 day'
                     OR to_regclass('decisions' || to_char(at AT TIME ZONE 'UTC', '_YYYY_MM_DD'))
                        IS NOT NULL)
        ON CONFLICT DO NOTHING
    )
    SELECT 1 AS done
"""


class DecisionTable:
    """The table `decisions`, into which the data plane only throws."""

    def __init__(self, statements: ShortStatements) -> None:
        self._statements = statements

    async def write(self, decisions: Mapping[str, Decision]) -> None:
        """Keep decisions, by the ids of their requests.

        Raises:
            DatabaseError: PostgreSQL failed; writing the same again does no harm.
        """
        rows = [_to_row(decision) for decision in decisions.values()]
        await self._statements.fetch_row(_WRITE, json.dumps(rows))


def _to_row(decision: Decision) -> dict[str, object]:
    asked, place, told = decision.asked, decision.place, decision.told
    return {
        "at": place.at.isoformat(),
        "request_id": asked.request_id,
        "process": place.process,
        "verdict": decision.ruling,
        "reason": decision.reason,
        "status": told.status,
        "code": told.code,
        "retry_after": _interval(told.retry_after),
        "endpoint": asked.endpoint,
        "retry_count": asked.retry_count,
        "account_id": decision.account_id and str(decision.account_id),
        "key_id": decision.key_id and str(decision.key_id),
        "directory_number": place.directory_number,
        "directory_age": _interval(place.directory_age),
        **_evidence(decision.evidence),
    }


def _evidence(evidence: Evidence | None) -> dict[str, object]:
    if evidence is None:
        return {}
    row: dict[str, object] = {
        "cost_requests": evidence.cost.requests,
        "cost_tokens": evidence.cost.tokens,
        "budget": evidence.budget,
        "source": evidence.source,
        "lease_ends_in": _microseconds(evidence.lease_ends_in),
    }
    if (limited := evidence.limited) is not None:
        row |= {
            "dimension": limited.dimension,
            "limit_units": limited.limit,
            "used_units": limited.used,
            "requested_units": limited.requested,
            "wait": _microseconds(limited.wait),
        }
    if (left := evidence.left) is not None:
        row |= {"lease_requests": left.requests, "lease_tokens": left.tokens}
    return row


def _interval(duration: timedelta | None) -> str | None:
    return None if duration is None else _microseconds(duration // timedelta(microseconds=1))


def _microseconds(count: int | None) -> str | None:
    return None if count is None else f"{count} microseconds"
