"""Page tokens."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.paging import make_page, read_position
from authz.domain.administration.records import PageRequest
from authz.domain.administration.refusals import InvalidFieldsError


def test_a_page_that_holds_all_is_the_last() -> None:
    """Even where it is just full."""
    page = make_page([1, 2], 2, "list", str)
    assert (page.items, page.next_token) == ((1, 2), None)


def test_a_token_is_where_the_rest_begins() -> None:
    """After the last item that was shown."""
    page = make_page([1, 2, 3], 2, "list", str)
    assert page.items == (1, 2)
    assert read_position(PageRequest(2, page.next_token), "list") == "2"


def test_a_token_of_another_list_is_refused() -> None:
    """Or of the same one by another filter."""
    token = make_page([1, 2], 1, "one", str).next_token
    with pytest.raises(InvalidFieldsError, match="page_token"):
        read_position(PageRequest(1, token), "other")


@pytest.mark.parametrize("size", [-1, 0, 1001])
def test_a_page_has_a_size(size: int) -> None:
    """Of up to 1,000."""
    with pytest.raises(InvalidFieldsError, match="page_size"):
        read_position(PageRequest(size), "list")


@given(
    st.one_of(
        st.text(min_size=1),
        st.binary(min_size=1).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    )
)
def test_a_token_that_we_did_not_make_is_refused(token: str) -> None:
    """Whatever it is."""
    with pytest.raises(InvalidFieldsError, match="page_token"):
        read_position(PageRequest(1, token), "list")


def test_a_token_of_endless_depth_is_refused() -> None:
    """As any other."""
    token = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(InvalidFieldsError, match="page_token"):
        read_position(PageRequest(1, token), "list")
