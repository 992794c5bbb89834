import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DecisionVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_VERDICT_UNSPECIFIED: _ClassVar[DecisionVerdict]
    DECISION_VERDICT_ALLOWED: _ClassVar[DecisionVerdict]
    DECISION_VERDICT_REFUSED: _ClassVar[DecisionVerdict]
    DECISION_VERDICT_SHADOW: _ClassVar[DecisionVerdict]
DECISION_VERDICT_UNSPECIFIED: DecisionVerdict
DECISION_VERDICT_ALLOWED: DecisionVerdict
DECISION_VERDICT_REFUSED: DecisionVerdict
DECISION_VERDICT_SHADOW: DecisionVerdict

class Decision(_message.Message):
    __slots__ = ("request_id", "time", "verdict", "reason", "status", "code", "retry_after_seconds", "endpoint", "retry_count", "account_id", "account_name", "key_id", "key_name", "tokens", "limit", "lease", "source", "process", "directory_number", "directory_age_seconds")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    RETRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_NAME_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    time: _timestamp_pb2.Timestamp
    verdict: DecisionVerdict
    reason: str
    status: int
    code: str
    retry_after_seconds: float
    endpoint: str
    retry_count: int
    account_id: str
    account_name: str
    key_id: str
    key_name: str
    tokens: int
    limit: DecisionLimit
    lease: DecisionLease
    source: str
    process: str
    directory_number: int
    directory_age_seconds: float
    def __init__(self, request_id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verdict: _Optional[_Union[DecisionVerdict, str]] = ..., reason: _Optional[str] = ..., status: _Optional[int] = ..., code: _Optional[str] = ..., retry_after_seconds: _Optional[float] = ..., endpoint: _Optional[str] = ..., retry_count: _Optional[int] = ..., account_id: _Optional[str] = ..., account_name: _Optional[str] = ..., key_id: _Optional[str] = ..., key_name: _Optional[str] = ..., tokens: _Optional[int] = ..., limit: _Optional[_Union[DecisionLimit, _Mapping]] = ..., lease: _Optional[_Union[DecisionLease, _Mapping]] = ..., source: _Optional[str] = ..., process: _Optional[str] = ..., directory_number: _Optional[int] = ..., directory_age_seconds: _Optional[float] = ...) -> None: ...

class DecisionLimit(_message.Message):
    __slots__ = ("budget", "dimension", "limit", "used", "requested", "wait_seconds")
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    budget: str
    dimension: str
    limit: int
    used: int
    requested: int
    wait_seconds: float
    def __init__(self, budget: _Optional[str] = ..., dimension: _Optional[str] = ..., limit: _Optional[int] = ..., used: _Optional[int] = ..., requested: _Optional[int] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class DecisionLease(_message.Message):
    __slots__ = ("requests_left", "tokens_left", "ends_in_seconds")
    REQUESTS_LEFT_FIELD_NUMBER: _ClassVar[int]
    TOKENS_LEFT_FIELD_NUMBER: _ClassVar[int]
    ENDS_IN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    requests_left: int
    tokens_left: int
    ends_in_seconds: float
    def __init__(self, requests_left: _Optional[int] = ..., tokens_left: _Optional[int] = ..., ends_in_seconds: _Optional[float] = ...) -> None: ...

class ExplainDecisionRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ExplainDecisionResponse(_message.Message):
    __slots__ = ("decision",)
    DECISION_FIELD_NUMBER: _ClassVar[int]
    decision: Decision
    def __init__(self, decision: _Optional[_Union[Decision, _Mapping]] = ...) -> None: ...

class ListDecisionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "account", "key_id", "reason", "verdict", "start_time", "end_time")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    account: str
    key_id: str
    reason: str
    verdict: DecisionVerdict
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., account: _Optional[str] = ..., key_id: _Optional[str] = ..., reason: _Optional[str] = ..., verdict: _Optional[_Union[DecisionVerdict, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListDecisionsResponse(_message.Message):
    __slots__ = ("decisions", "next_page_token")
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    decisions: _containers.RepeatedCompositeFieldContainer[Decision]
    next_page_token: str
    def __init__(self, decisions: _Optional[_Iterable[_Union[Decision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
