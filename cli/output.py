"""For whom a command writes."""

from enum import StrEnum


class Output(StrEnum):
    """For people, or for programs."""

    TABLE = "table"
    JSON = "json"
