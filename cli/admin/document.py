"""A message as JSON: snake case, RFC 3339, words for enums, null for what is absent."""

import json
import re
from typing import Final, TypeAlias

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Json]

_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


def to_document(message: Message) -> Document:
    """Return every field of a message."""
    return {field.name: _field(message, field.name) for field in message.DESCRIPTOR.fields}


def to_json(document: Document, indent: int | None = 2) -> str:
    """Write a document as people can read it too; no terminal obeys anything in it."""
    lines = json.dumps(document, indent=indent, ensure_ascii=False).split("\n")
    return "\n".join(line if line.isprintable() else _escape(line) for line in lines)


def status_word(message: Message) -> str:
    """Return a message's status as people read it."""
    return str(_field(message, "status") or "")


def _escape(line: str) -> str:
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in line)


def _field(message: Message, name: str) -> Json:
    field = message.DESCRIPTOR.fields_by_name[name]
    enum: EnumDescriptor | None = field.enum_type  # type: ignore[assignment] # upb's looks alike
    value = getattr(message, name)
    if field.is_repeated:
        return [_value(enum, each) for each in value]
    if field.has_presence and not message.HasField(name):
        return None
    return _value(enum, value)


def _value(enum: EnumDescriptor | None, value: object) -> Json:
    match value:
        case Timestamp():
            return value.ToJsonString()
        case Message():
            return to_document(value)
        case bytes():
            return value.hex()
        case int() if enum is not None:
            return _enum_word(enum, value)
        case bool() | int() | float():
            return value
        case str():
            return value or None
        case _:
            raise TypeError(type(value).__name__)


def _enum_word(enum: EnumDescriptor, number: int) -> str | None:
    """Return `active` of `KEY_STATUS_ACTIVE`; nothing for what was not sent."""
    if number == 0:
        return None
    value = enum.values_by_number.get(number)
    if value is None:  # of a newer server
        return str(number)
    prefix = _WORDS.sub("_", enum.name).upper() + "_"
    return value.name.removeprefix(prefix).lower()
