"""A report of GitHub's secret scanning, read and checked once."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid5

import orjson

from contract.keys import PATTERN, is_well_formed, mask_key
from leaks import refusals
from leaks.refusals import Refusal

FINDINGS_MAX: Final = 1000
_PLACE_LENGTH_MAX: Final = 500
_KEY: Final = re.compile(PATTERN, re.ASCII)
_NAMESPACE: Final = UUID("5d0c1f6e-3a44-4c0b-9f0e-6d8a3b1c7e25")


@dataclass(frozen=True, slots=True)
class Finding:
    """A text that looks like a key, and where it was found."""

    token: str = field(repr=False)
    type: str
    """The reporter's name for what such a text is."""
    found_at: str
    """One line; a key in it is masked."""

    @property
    def is_key(self) -> bool:
        """Whether its checksum is right; only then is it worth a call."""
        return is_well_formed(self.token)

    @property
    def token_hash(self) -> str:
        """The token's SHA-256 in hexadecimal, which names it to who knows it already."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    @property
    def request_id(self) -> UUID:
        """The same for the same finding, however often it is reported."""
        return uuid5(_NAMESPACE, f"{self.token_hash} {self.found_at}")


def parse_report(body: bytes) -> tuple[Finding, ...] | Refusal:
    """Read a report's body, which is in UTF-8. Unknown fields are ignored."""
    try:
        items = orjson.loads(body)
    except orjson.JSONDecodeError:
        return refusals.malformed_report("the body is not JSON in UTF-8")
    if not isinstance(items, list):
        return refusals.malformed_report("the body is something else")
    if len(items) > FINDINGS_MAX:
        return refusals.too_many_findings(FINDINGS_MAX)
    findings = []
    for index, item in enumerate(items):
        finding = _parse_finding(item)
        if finding is None:
            return refusals.malformed_report(f"item {index} is no object with a token and a type")
        findings.append(finding)
    return tuple(findings)


def _parse_finding(item: object) -> Finding | None:
    match item:
        case {"token": str(token), "type": str(kind), **others}:
            place = _one_line(others.get("url")) or f"GitHub: {_one_line(others.get('source'))}"
            return Finding(token, kind, place.removesuffix(": "))
        case _:
            return None


def _one_line(text: object) -> str:
    """Return a place as a log, an audit and a mail can show it; GitHub may leave it empty."""
    if not isinstance(text, str):
        return ""
    masked = _KEY.sub(lambda key: mask_key(key[0]), text)
    printable = "".join(each if each.isprintable() else " " for each in masked)
    return printable.strip()[:_PLACE_LENGTH_MAX].strip()
