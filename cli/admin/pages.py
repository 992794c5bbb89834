"""Walks through a list that the server gives page by page."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from proto.tessera.admin.v1.accounts_pb2 import ListAccountsRequest, ListAccountsResponse
from proto.tessera.admin.v1.audit_pb2 import ListAuditEntriesRequest, ListAuditEntriesResponse
from proto.tessera.admin.v1.decisions_pb2 import ListDecisionsRequest, ListDecisionsResponse
from proto.tessera.admin.v1.invoices_pb2 import (
    ListDraftsRequest,
    ListDraftsResponse,
    ListInvoicesRequest,
    ListInvoicesResponse,
)
from proto.tessera.admin.v1.keys_pb2 import ListKeysRequest, ListKeysResponse
from proto.tessera.admin.v1.usage_pb2 import GetUsageRequest, GetUsageResponse

if TYPE_CHECKING:
    from cli.admin.client import Client

R = TypeVar(
    "R",
    ListAccountsResponse,
    ListKeysResponse,
    ListAuditEntriesResponse,
    ListDecisionsResponse,
    GetUsageResponse,
    ListInvoicesResponse,
    ListDraftsResponse,
)
T = TypeVar("T")
ListRequest: TypeAlias = (
    ListAccountsRequest
    | ListKeysRequest
    | ListAuditEntriesRequest
    | ListDecisionsRequest
    | GetUsageRequest
    | ListInvoicesRequest
    | ListDraftsRequest
)

_PAGE_SIZE_MAX: Final = 1000


def walk(
    client: "Client",
    request: ListRequest,
    response_type: type[R],
    items: Callable[[R], Sequence[T]],
    limit: int | None,
) -> Iterator[Sequence[T]]:
    """Yield page after page, up to `limit` items in all; the next is fetched when it is wanted."""
    left = limit
    while left is None or left > 0:
        request.page_size = _PAGE_SIZE_MAX if left is None else min(left, _PAGE_SIZE_MAX)
        response = client.call(request, response_type)
        page = items(response)[:left]
        yield page
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token
        left = None if left is None else left - len(page)
