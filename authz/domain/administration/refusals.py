"""Why a change was not made, in the caller's terms. Nothing was changed when one is raised."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request, by its path, and what is wrong with it."""

    field: str
    description: str


class RefusedError(Exception):
    """A request is not fulfilled, and its sender can know why."""


class InvalidFieldsError(RefusedError):
    """Fields of the request cannot be used."""

    def __init__(self, *violations: FieldViolation) -> None:
        super().__init__("; ".join(f"{each.field}: {each.description}" for each in violations))
        self.violations = violations


class ResourceError(RefusedError):
    """It is about one thing: an `account`, `key`, `tier` and so on, by its id or name."""

    def __init__(self, kind: str, name: str, description: str) -> None:
        super().__init__(description)
        self.kind = kind
        self.name = name


class NotFoundError(ResourceError):
    """There is no such thing."""


class AlreadyExistsError(ResourceError):
    """The name is taken."""


class PreconditionError(ResourceError):
    """The thing is not in a state in which this can be done."""


class RequestIdReusedError(RefusedError):
    """The request id was used before, by another request."""


class MailNotAcceptedError(RefusedError):
    """The mail server did not take the message, so nothing was made."""


class NotStoredError(RefusedError):
    """The mail was accepted, but what it tells of could not be stored; send the request again."""


class BusyError(RefusedError):
    """Too much of this is under way; try again shortly."""
