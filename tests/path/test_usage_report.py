"""A customer reads what was used with the official SDK, through the whole product."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import openai
import pytest

from authz.domain.directory import Endpoint
from stack.launch import RunningStack
from stack.plan import database_url
from tests import unencrypted
from tests.authz.used import MODEL, Used, put_usage
from tests.customers import open_account, open_tier


@pytest.fixture
def key(stack: RunningStack) -> str:
    """The key of an account of the test's own."""
    return open_account(stack)


@pytest.fixture
def client(stack: RunningStack, key: str) -> Iterator[openai.OpenAI]:
    """The Python SDK; what is the organisation's it asks with a key that it has for that."""
    with openai.OpenAI(
        base_url=stack.base_url, api_key=key, admin_api_key=key, max_retries=0
    ) as client:
        yield client


def test_a_customer_sees_its_own_usage_with_the_sdk(
    stack: RunningStack, key: str, client: openai.OpenAI
) -> None:
    """By key and model, and nothing of anybody else's."""
    account_id, key_id = _identify(stack, key)
    _use(stack, Used(datetime.now(UTC), account_id, key_id, 3, 33))
    _use(stack, Used(datetime.now(UTC), uuid4(), uuid4(), 9, 99))
    page = client.admin.organization.usage.embeddings(
        start_time=int(time.time()) - 86_400,
        group_by=["api_key_id", "model"],
        models=[MODEL],
        bucket_width="1d",
    )
    [result] = [result for bucket in page.data for result in bucket.results]
    assert result.object == "organization.usage.embeddings.result"
    assert (result.input_tokens, result.num_model_requests) == (33, 3)
    assert (result.api_key_id, result.model) == (str(key_id), MODEL)
    assert (page.object, page.has_more, page.next_page) == ("page", False, None)


def test_the_sdk_reads_on_page_by_page(client: openai.OpenAI) -> None:
    """With the cursor that it was given."""
    start = int(time.time()) - 9 * 86_400
    first = client.admin.organization.usage.embeddings(start_time=start)
    assert first.next_page is not None
    rest = client.admin.organization.usage.embeddings(start_time=start, page=first.next_page)
    assert (len(first.data), len(rest.data)) == (7, 3)
    assert first.data[-1].end_time == rest.data[0].start_time


def test_asking_costs_nothing(stack: RunningStack, client: openai.OpenAI) -> None:
    """Neither a request of the limit nor, later, money."""
    tier = open_tier(stack, requests_per_minute=1)
    key = open_account(stack, tier=tier)
    headers = {"authorization": f"Bearer {key}"}
    url = f"{stack.base_url}/organization/usage/embeddings?start_time={int(time.time())}"
    statuses = [unencrypted.get(url, headers=headers, timeout=10).status_code for _ in range(5)]
    assert statuses == [200] * 5


def test_a_mistake_is_told_as_the_sdk_reads_it(client: openai.OpenAI) -> None:
    """A 400 that names the parameter."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.admin.organization.usage.embeddings(start_time=1, bucket_width="1m")
    assert raised.value.param == "start_time"
    assert raised.value.request_id is not None
    assert raised.value.request_id.startswith("req_")


def test_a_tier_without_it_is_refused(stack: RunningStack) -> None:
    """403, as for any other endpoint."""
    tier = open_tier(stack, endpoints=frozenset({Endpoint.EMBEDDINGS}))
    key = open_account(stack, tier=tier)
    with (
        openai.OpenAI(
            base_url=stack.base_url, api_key=key, admin_api_key=key, max_retries=0
        ) as client,
        pytest.raises(openai.PermissionDeniedError) as raised,
    ):
        client.admin.organization.usage.embeddings(start_time=1)
    assert raised.value.code == "tier_not_entitled"


def _use(stack: RunningStack, used: Used) -> None:
    async def use() -> None:
        connection = await asyncpg.connect(database_url(stack.layout))
        await put_usage(connection, used)
        await connection.close()

    asyncio.run(use())


def _identify(stack: RunningStack, key: str) -> tuple[UUID, UUID]:
    """Return a key's account and its id."""

    async def find() -> tuple[UUID, UUID]:
        connection = await asyncpg.connect(database_url(stack.layout))
        rows = await connection.fetch(
            "SELECT account_id, id FROM keys WHERE last_four = right($1, 4)", key
        )
        await connection.close()
        [row] = rows
        return row["account_id"], row["id"]

    return asyncio.run(find())
