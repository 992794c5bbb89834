"""Every answer that is not a success, as the reporter reads it."""

from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a report was not taken. A status from 500 on asks for the same report again."""

    status: int
    code: str
    message: str

    def body(self) -> bytes:
        """Return the JSON body."""
        return orjson.dumps({"error": {"code": self.code, "message": self.message}})


# ---- the request ----


def not_found() -> Refusal:
    """Nothing is served at this path."""
    return Refusal(404, "not_found", "Reports are taken at POST /github.")


def method_not_allowed() -> Refusal:
    """The path exists, but not for this method."""
    return Refusal(405, "method_not_allowed", "Reports are taken at POST /github.")


def too_slow() -> Refusal:
    """The body did not arrive in time."""
    return Refusal(408, "too_slow", "The report was not received in time.")


def incomplete() -> Refusal:
    """The sender hung up; this is for our metrics alone."""
    return Refusal(400, "incomplete", "The report ends in the middle.")


def body_too_large(bytes_max: int) -> Refusal:
    """The body is longer than any report is expected to be."""
    return Refusal(413, "body_too_large", f"A report has at most {bytes_max} bytes.")


# ---- the signature ----


def bad_header(name: str, wrong: str) -> Refusal:
    """A header of the signature cannot be used."""
    return Refusal(400, "bad_header", f"The header {name} {wrong}.")


def unknown_public_key() -> Refusal:
    """Nobody trusted signs with the key that the report names."""
    return Refusal(401, "unknown_public_key", "The report names a public key that is not known.")


def wrong_signature() -> Refusal:
    """The body is not what was signed, or somebody else signed it."""
    return Refusal(401, "wrong_signature", "The signature does not match the body.")


# ---- the report ----


def malformed_report(wrong: str) -> Refusal:
    """The body was signed, and is no report."""
    return Refusal(400, "malformed_report", f"Expected a JSON array of findings: {wrong}.")


def too_many_findings(findings_max: int) -> Refusal:
    """More than one report may hold."""
    return Refusal(413, "too_many_findings", f"A report has at most {findings_max} findings.")


# ---- our side ----


def too_busy() -> Refusal:
    """Bodies that are still arriving take all the memory that there is for them."""
    return Refusal(503, "too_busy", "Too many reports are arriving now. Try again.")


def public_keys_unavailable() -> Refusal:
    """The list of public keys could not be fetched, so nothing can be said of the signature."""
    return Refusal(503, "public_keys_unavailable", "The public keys are not there now. Try again.")


def not_revoked() -> Refusal:
    """The admin API did not take all findings; those that it took need nothing more."""
    return Refusal(503, "not_revoked", "Not every finding could be dealt with. Send it again.")


def internal() -> Refusal:
    """Something that we did not foresee; its details are in our log alone."""
    return Refusal(500, "internal", "The report could not be dealt with. Send it again.")
