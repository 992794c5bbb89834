"""Each reason for which a request is refused, in a sentence, and what can be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Explanation:
    """`why` goes on after "because"; `advice` is for whoever was asked. `{…}` is filled in."""

    why: str
    advice: str


_WAIT: Final = (
    "Nothing, if the client waits as it was told; else spread its requests, or give the account"
    " another tier: `tessera accounts update {account} --tier TIER`."
)
_OURS: Final = "Nothing at the client; both SDKs try again by themselves. {look}"

EXPLANATIONS: Final[Mapping[str, Explanation]] = {
    "missing_key": Explanation(
        "it came without a key", "Have the client send `Authorization: Bearer` and its key."
    ),
    "malformed_key": Explanation(
        "what it came with is no key: its checksum is wrong, as after a slip",
        "Have the key copied again, or issue another with `tessera keys issue`.",
    ),
    "unknown_key": Explanation(
        "nobody has the key that it came with",
        "Look whether the key belongs to another deployment; else issue one with"
        " `tessera keys issue`.",
    ),
    "revoked_key": Explanation(
        "its key was revoked",
        "`tessera audit list --subject {key}` says by whom and why; issue another with"
        " `tessera keys issue`.",
    ),
    "expired_key": Explanation(
        "its key had expired",
        "Issue another with `tessera keys issue`; next time `tessera keys rotate` before it ends.",
    ),
    "closed_account": Explanation(
        "its account is closed", "Nothing: that is for ever. Open another account."
    ),
    "suspended_account": Explanation(
        "its account was suspended",
        "`tessera audit list --subject {account_id}` says by whom and why;"
        " `tessera accounts resume {account}` ends it.",
    ),
    "address_not_allowed": Explanation(
        "it came from an address outside the key's networks",
        "`tessera keys get {key}` lists them, `tessera keys update {key} --network CIDR` replaces"
        " them.",
    ),
    "unknown_url": Explanation(
        "nothing is served at its path, or not by its method",
        "Have the client's base URL looked at: it ends in /v1.",
    ),
    "endpoint_not_in_scope": Explanation(
        "its key may not call this endpoint",
        "`tessera keys get {key}` shows its scopes; `tessera keys update {key} --scope ENDPOINT`"
        " replaces them all.",
    ),
    "endpoint_not_entitled": Explanation(
        "its account's tier does not cover this endpoint",
        "Give the account a tier that does: `tessera accounts update {account} --tier TIER`.",
    ),
    "model_not_entitled": Explanation(
        "its account's tier does not cover the model that it asked for",
        "Give the account a tier that does: `tessera accounts update {account} --tier TIER`.",
    ),
    "invalid_request": Explanation(
        "the request itself cannot be fulfilled; its answer says why, which is not kept here",
        "Have the client read the message of the answer's `error`.",
    ),
    "too_many_items": Explanation(
        "it held more items than its tier takes at once",
        "Have the client send fewer, or raise `--items-max` of the tier.",
    ),
    "too_many_requests": Explanation("{whose} had used up its requests per minute", _WAIT),
    "too_many_tokens": Explanation("{whose} had used up its tokens per minute", _WAIT),
    "request_too_large": Explanation(
        "it needs more than {whose} may ever use at once",
        "Have the client send less in one request, or give the account another tier.",
    ),
    "month_spent": Explanation(
        "{whose} had used up its tokens of the month",
        "Give the account another tier: `tessera accounts update {account} --tier TIER`; else it"
        " works again when the next month begins.",
    ),
    "directory_stale": Explanation(
        "the process had not heard from PostgreSQL for so long that it vouched for no key",
        _OURS.format(look="Look at PostgreSQL, and at `tessera processes list`."),
    ),
    "quota_unavailable": Explanation(
        "PostgreSQL was away, and nothing was left by which to grant requests",
        _OURS.format(
            look="Look at PostgreSQL; `AUTHZ_OUTAGE_GRACE_SECONDS` is how long is granted."
        ),
    ),
    "usage_unavailable": Explanation(
        "what it would use could not be written down",
        _OURS.format(look="Look at the process's disk, and its log."),
    ),
    "ledger_slow": Explanation(
        "PostgreSQL was there, and did not say in time whether a limit allowed it",
        _OURS.format(
            look="Look whether PostgreSQL, or the processes' machines, have too much to do."
        ),
    ),
    "charges_busy": Explanation(
        "more requests of its account waited for the ledger than could be charged in time",
        _OURS.format(look="Look whether PostgreSQL is slow."),
    ),
    "tokenisers_busy": Explanation(
        "more long texts were being counted than could be in time",
        _OURS.format(look="If it happens often, run more authz processes."),
    ),
}
"""By what the server calls them."""

UNKNOWN: Final = Explanation(
    "of what this command does not know: {reason}",
    "The server is newer than this command; update it.",
)
