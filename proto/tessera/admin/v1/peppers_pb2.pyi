import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from proto.tessera.admin.v1 import processes_pb2 as _processes_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PepperStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PEPPER_STATUS_UNSPECIFIED: _ClassVar[PepperStatus]
    PEPPER_STATUS_NEW: _ClassVar[PepperStatus]
    PEPPER_STATUS_CURRENT: _ClassVar[PepperStatus]
    PEPPER_STATUS_PREVIOUS: _ClassVar[PepperStatus]
    PEPPER_STATUS_RETIRED: _ClassVar[PepperStatus]
PEPPER_STATUS_UNSPECIFIED: PepperStatus
PEPPER_STATUS_NEW: PepperStatus
PEPPER_STATUS_CURRENT: PepperStatus
PEPPER_STATUS_PREVIOUS: PepperStatus
PEPPER_STATUS_RETIRED: PepperStatus

class Pepper(_message.Message):
    __slots__ = ("id", "status", "since", "keys")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: PepperStatus
    since: _timestamp_pb2.Timestamp
    keys: int
    def __init__(self, id: _Optional[str] = ..., status: _Optional[_Union[PepperStatus, str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., keys: _Optional[int] = ...) -> None: ...

class GetPepperStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPepperStatusResponse(_message.Message):
    __slots__ = ("peppers", "processes")
    PEPPERS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    peppers: _containers.RepeatedCompositeFieldContainer[Pepper]
    processes: _containers.RepeatedCompositeFieldContainer[_processes_pb2.Process]
    def __init__(self, peppers: _Optional[_Iterable[_Union[Pepper, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[_processes_pb2.Process, _Mapping]]] = ...) -> None: ...

class RotatePepperRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class RotatePepperResponse(_message.Message):
    __slots__ = ("wrapped", "total", "done", "pepper_id")
    WRAPPED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    PEPPER_ID_FIELD_NUMBER: _ClassVar[int]
    wrapped: int
    total: int
    done: bool
    pepper_id: str
    def __init__(self, wrapped: _Optional[int] = ..., total: _Optional[int] = ..., done: _Optional[bool] = ..., pepper_id: _Optional[str] = ...) -> None: ...

class RetirePepperRequest(_message.Message):
    __slots__ = ("id", "request_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RetirePepperResponse(_message.Message):
    __slots__ = ("pepper",)
    PEPPER_FIELD_NUMBER: _ClassVar[int]
    pepper: Pepper
    def __init__(self, pepper: _Optional[_Union[Pepper, _Mapping]] = ...) -> None: ...
