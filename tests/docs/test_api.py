"""docs/api.md tells application developers of every error there is, and of no other."""

import inspect
import re
from pathlib import Path

from contract import errors, headers
from contract.errors import ApiError

_PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def _catalogue() -> set[tuple[str, str]]:
    """Every status and code in the catalogue, read from what builds the errors."""
    found = set()
    for _, function in inspect.getmembers(errors, inspect.isfunction):
        if inspect.signature(function).return_annotation is not ApiError:
            continue
        source = inspect.getsource(function)
        (status,) = re.findall(r"status=(\d{3})", source)
        code = re.search(r'code="(\w+)"', source)
        found.add((status, f"`{code[1]}`" if code else "none"))
    return found


def _answered() -> set[str]:
    """Every header of ours that a client may see on an answer."""
    ours = {name for key, name in vars(headers).items() if key.isupper() and "-" in name}
    inward = {name for name in ours if name.startswith(headers.INTERNAL_PREFIX)}
    return ours - inward - {headers.RETRY_COUNT} | {headers.KEY_EXPIRES}


def test_every_header_of_ours_is_documented() -> None:
    """In the table of headers, where a reader looks."""
    table = _PAGE.partition("## Headers")[2].partition("## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert _answered() - set(re.findall(r"`([\w-]+)`", " ".join(rows))) == set()


def test_every_error_is_documented_and_every_documented_error_exists() -> None:
    """The table and the catalogue hold the same statuses and codes."""
    documented = set(re.findall(r"^\| (\d{3}) \| (`\w+`|none) \|", _PAGE, re.MULTILINE))
    assert documented == _catalogue()
