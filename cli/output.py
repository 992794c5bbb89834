"""For whom a command writes."""

from enum import StrEnum


class Output(StrEnum):
    """For people, or for programs."""

    TABLE = "table"
    JSON = "json"


class SheetOutput(StrEnum):
    """For people, for programs, or for a spreadsheet."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
