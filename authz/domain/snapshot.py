"""What is kept of the directory for a start without PostgreSQL."""

from dataclasses import dataclass

from authz.domain.directory import Directory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A directory, and when PostgreSQL last confirmed it, in Unix seconds."""

    directory: Directory
    heard_at: float
