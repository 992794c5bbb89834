"""Messages as JSON."""

import json

import pytest
from google.protobuf import message_factory
from google.protobuf.message import Message

from cli.admin.document import to_document, to_json
from proto.tessera.admin.v1.keys_pb2 import Key
from tests.cli.admin.canned import FILES

_MESSAGES = [each for file in FILES for each in file.message_types_by_name.values()]


@pytest.mark.parametrize(
    "message",
    [message_factory.GetMessageClass(each)() for each in _MESSAGES if each.name[-7:] != "Request"],
    ids=lambda message: str(message.DESCRIPTOR.name),
)
def test_every_message_can_be_written(message: Message) -> None:
    """Empty ones too; every field is there, always."""
    document = json.loads(json.dumps(to_document(message)))
    assert list(document) == [field.name for field in message.DESCRIPTOR.fields]


@pytest.mark.parametrize("odd", ["\x1b[2J", "\x9b2J", "\u202egnp", "\x7f", "\U000e0001", "\ufeff"])
def test_a_terminal_obeys_nothing_in_a_document(odd: str) -> None:
    """What others chose is read back whole by a program, and moves nothing on a screen."""
    written = to_json({"reason": f"a {odd} é 東京 \N{GRINNING FACE}"})
    assert json.loads(written) == {"reason": f"a {odd} é 東京 \N{GRINNING FACE}"}
    assert all(each.isprintable() for each in written.splitlines())
    assert "é 東京 \N{GRINNING FACE}" in written


def test_a_status_of_a_newer_server_is_its_number() -> None:
    """It is told, for want of a word."""
    key = Key.FromString(b"\x38\x63")  # field 7, value 99
    assert to_document(key)["status"] == "99"
