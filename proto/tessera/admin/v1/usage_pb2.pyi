import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UsageBucketWidth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_BUCKET_WIDTH_UNSPECIFIED: _ClassVar[UsageBucketWidth]
    USAGE_BUCKET_WIDTH_MINUTE: _ClassVar[UsageBucketWidth]
    USAGE_BUCKET_WIDTH_HOUR: _ClassVar[UsageBucketWidth]
    USAGE_BUCKET_WIDTH_DAY: _ClassVar[UsageBucketWidth]
    USAGE_BUCKET_WIDTH_MONTH: _ClassVar[UsageBucketWidth]

class UsageDimension(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    USAGE_DIMENSION_UNSPECIFIED: _ClassVar[UsageDimension]
    USAGE_DIMENSION_ACCOUNT: _ClassVar[UsageDimension]
    USAGE_DIMENSION_KEY: _ClassVar[UsageDimension]
    USAGE_DIMENSION_MODEL: _ClassVar[UsageDimension]
USAGE_BUCKET_WIDTH_UNSPECIFIED: UsageBucketWidth
USAGE_BUCKET_WIDTH_MINUTE: UsageBucketWidth
USAGE_BUCKET_WIDTH_HOUR: UsageBucketWidth
USAGE_BUCKET_WIDTH_DAY: UsageBucketWidth
USAGE_BUCKET_WIDTH_MONTH: UsageBucketWidth
USAGE_DIMENSION_UNSPECIFIED: UsageDimension
USAGE_DIMENSION_ACCOUNT: UsageDimension
USAGE_DIMENSION_KEY: UsageDimension
USAGE_DIMENSION_MODEL: UsageDimension

class Usage(_message.Message):
    __slots__ = ("start_time", "end_time", "account_id", "account_name", "key_id", "key_name", "model", "requests", "tokens", "failures", "refunded_requests", "refunded_tokens")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    account_id: str
    account_name: str
    key_id: str
    key_name: str
    model: str
    requests: int
    tokens: int
    failures: int
    refunded_requests: int
    refunded_tokens: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., account_id: _Optional[str] = ..., account_name: _Optional[str] = ..., key_id: _Optional[str] = ..., key_name: _Optional[str] = ..., model: _Optional[str] = ..., requests: _Optional[int] = ..., tokens: _Optional[int] = ..., failures: _Optional[int] = ..., refunded_requests: _Optional[int] = ..., refunded_tokens: _Optional[int] = ...) -> None: ...

class GetUsageRequest(_message.Message):
    __slots__ = ("account", "key_id", "model", "start_time", "end_time", "bucket_width", "group_by", "page_size", "page_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    BUCKET_WIDTH_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: str
    key_id: str
    model: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    bucket_width: UsageBucketWidth
    group_by: _containers.RepeatedScalarFieldContainer[UsageDimension]
    page_size: int
    page_token: str
    def __init__(self, account: _Optional[str] = ..., key_id: _Optional[str] = ..., model: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., bucket_width: _Optional[_Union[UsageBucketWidth, str]] = ..., group_by: _Optional[_Iterable[_Union[UsageDimension, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetUsageResponse(_message.Message):
    __slots__ = ("usage", "next_page_token")
    USAGE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    usage: _containers.RepeatedCompositeFieldContainer[Usage]
    next_page_token: str
    def __init__(self, usage: _Optional[_Iterable[_Union[Usage, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
