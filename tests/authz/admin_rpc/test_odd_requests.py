"""Requests that nobody would send on purpose, to the whole service on a real database."""

from typing import Final

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.authz.admin_rpc.administered import Administered, some_id
from tests.authz.admin_rpc.client import METHODS

_OUR_FAULT: Final = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
_TEXTS: Final = {
    "empty": "",
    "nul": "a\0b",
    "sql": "x'; DROP TABLE keys; --",
    "pattern": "%_\\",
    "long": "x" * 100_000,
    "noncharacter": "\ufffe\U0010ffff",
    "an id": some_id(),
}


def _fill(message: Message, text: str, number: int, depth: int = 0) -> None:
    """Put the same text, and the same number, wherever one fits."""
    for field in message.DESCRIPTOR.fields:
        value: object = text if field.type == FieldDescriptor.TYPE_STRING else number
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth < 3 and not field.is_repeated:
                getattr(message, field.name).SetInParent()
                _fill(getattr(message, field.name), text, number, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).append(value)
        elif field.type not in (FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_BYTES):
            setattr(message, field.name, value)


@pytest.mark.parametrize("kind", _TEXTS)
async def test_no_text_and_no_number_is_too_odd(admin: Administered, kind: str) -> None:
    """Whatever is sent, to whichever method: the caller is told what is wrong with it."""
    await admin.make_account()
    codes = {}
    for method, descriptor in METHODS.items():
        for number in (0, -1, 2**31 - 1):
            request = GetMessageClass(descriptor.input_type)()
            _fill(request, _TEXTS[kind], number)
            codes[method, number] = await _code(admin, method, request)
    assert {call: code for call, code in codes.items() if code in _OUR_FAULT} == {}


async def _code(admin: Administered, method: str, request: Message) -> grpc.StatusCode:
    try:
        await admin.owner.send(method, request.SerializeToString())
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK
