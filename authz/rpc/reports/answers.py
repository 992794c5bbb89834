"""The body of a report, as OpenAI has it."""

import orjson

from authz.domain.reports.usage import UsageRow
from authz.service.reports.usage_pages import Bucket, UsagePage


def write_page(page: UsagePage) -> bytes:
    """Write one page; a bucket without usage is there, and has no results."""
    return orjson.dumps(
        {
            "object": "page",
            "data": [_bucket(bucket) for bucket in page.buckets],
            "has_more": page.next_token is not None,
            "next_page": page.next_token,
        }
    )


def _bucket(bucket: Bucket) -> dict[str, object]:
    return {
        "object": "bucket",
        "start_time": int(bucket.start.timestamp()),
        "end_time": int(bucket.end.timestamp()),
        "results": [_result(row) for row in bucket.rows],
    }


def _result(row: UsageRow) -> dict[str, object]:
    key_id = row.group.key_id
    return {
        "object": "organization.usage.embeddings.result",
        "input_tokens": row.figures.tokens,
        "num_model_requests": row.figures.requests,
        "project_id": None,
        "user_id": None,
        "api_key_id": None if key_id is None else str(key_id),
        "model": row.group.model,
    }
