import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InvoiceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVOICE_KIND_UNSPECIFIED: _ClassVar[InvoiceKind]
    INVOICE_KIND_INVOICE: _ClassVar[InvoiceKind]
    INVOICE_KIND_SUPPLEMENT: _ClassVar[InvoiceKind]
    INVOICE_KIND_CORRECTION: _ClassVar[InvoiceKind]

class InvoiceStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVOICE_STATUS_UNSPECIFIED: _ClassVar[InvoiceStatus]
    INVOICE_STATUS_DRAFT: _ClassVar[InvoiceStatus]
    INVOICE_STATUS_FINAL: _ClassVar[InvoiceStatus]

class InvoiceLineKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVOICE_LINE_KIND_UNSPECIFIED: _ClassVar[InvoiceLineKind]
    INVOICE_LINE_KIND_BASE_FEE: _ClassVar[InvoiceLineKind]
    INVOICE_LINE_KIND_USAGE: _ClassVar[InvoiceLineKind]
    INVOICE_LINE_KIND_LATE_USAGE: _ClassVar[InvoiceLineKind]
    INVOICE_LINE_KIND_CORRECTION: _ClassVar[InvoiceLineKind]
INVOICE_KIND_UNSPECIFIED: InvoiceKind
INVOICE_KIND_INVOICE: InvoiceKind
INVOICE_KIND_SUPPLEMENT: InvoiceKind
INVOICE_KIND_CORRECTION: InvoiceKind
INVOICE_STATUS_UNSPECIFIED: InvoiceStatus
INVOICE_STATUS_DRAFT: InvoiceStatus
INVOICE_STATUS_FINAL: InvoiceStatus
INVOICE_LINE_KIND_UNSPECIFIED: InvoiceLineKind
INVOICE_LINE_KIND_BASE_FEE: InvoiceLineKind
INVOICE_LINE_KIND_USAGE: InvoiceLineKind
INVOICE_LINE_KIND_LATE_USAGE: InvoiceLineKind
INVOICE_LINE_KIND_CORRECTION: InvoiceLineKind

class InvoiceLine(_message.Message):
    __slots__ = ("kind", "description", "usage_month", "tokens", "overage_tokens", "amount_minor_units")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    USAGE_MONTH_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_UNITS_FIELD_NUMBER: _ClassVar[int]
    kind: InvoiceLineKind
    description: str
    usage_month: str
    tokens: int
    overage_tokens: int
    amount_minor_units: int
    def __init__(self, kind: _Optional[_Union[InvoiceLineKind, str]] = ..., description: _Optional[str] = ..., usage_month: _Optional[str] = ..., tokens: _Optional[int] = ..., overage_tokens: _Optional[int] = ..., amount_minor_units: _Optional[int] = ...) -> None: ...

class Invoice(_message.Message):
    __slots__ = ("number", "kind", "status", "account_id", "account_name", "month", "currency", "total_minor_units", "lines", "tier", "base_fee_minor_units", "included_tokens", "overage_micros_per_million_tokens", "corrects", "reason", "finalize_time", "finalized_by")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MINOR_UNITS_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    BASE_FEE_MINOR_UNITS_FIELD_NUMBER: _ClassVar[int]
    INCLUDED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_MICROS_PER_MILLION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CORRECTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FINALIZE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINALIZED_BY_FIELD_NUMBER: _ClassVar[int]
    number: str
    kind: InvoiceKind
    status: InvoiceStatus
    account_id: str
    account_name: str
    month: str
    currency: str
    total_minor_units: int
    lines: _containers.RepeatedCompositeFieldContainer[InvoiceLine]
    tier: str
    base_fee_minor_units: int
    included_tokens: int
    overage_micros_per_million_tokens: int
    corrects: str
    reason: str
    finalize_time: _timestamp_pb2.Timestamp
    finalized_by: str
    def __init__(self, number: _Optional[str] = ..., kind: _Optional[_Union[InvoiceKind, str]] = ..., status: _Optional[_Union[InvoiceStatus, str]] = ..., account_id: _Optional[str] = ..., account_name: _Optional[str] = ..., month: _Optional[str] = ..., currency: _Optional[str] = ..., total_minor_units: _Optional[int] = ..., lines: _Optional[_Iterable[_Union[InvoiceLine, _Mapping]]] = ..., tier: _Optional[str] = ..., base_fee_minor_units: _Optional[int] = ..., included_tokens: _Optional[int] = ..., overage_micros_per_million_tokens: _Optional[int] = ..., corrects: _Optional[str] = ..., reason: _Optional[str] = ..., finalize_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finalized_by: _Optional[str] = ...) -> None: ...

class Draft(_message.Message):
    __slots__ = ("account_id", "account_name", "month", "invoices", "hindrance", "warning")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    HINDRANCE_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    account_name: str
    month: str
    invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    hindrance: str
    warning: str
    def __init__(self, account_id: _Optional[str] = ..., account_name: _Optional[str] = ..., month: _Optional[str] = ..., invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ..., hindrance: _Optional[str] = ..., warning: _Optional[str] = ...) -> None: ...

class ListInvoicesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "account", "month")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    account: str
    month: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., account: _Optional[str] = ..., month: _Optional[str] = ...) -> None: ...

class ListInvoicesResponse(_message.Message):
    __slots__ = ("invoices", "next_page_token")
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    next_page_token: str
    def __init__(self, invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetInvoiceRequest(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: str
    def __init__(self, number: _Optional[str] = ...) -> None: ...

class GetInvoiceResponse(_message.Message):
    __slots__ = ("invoice", "corrections")
    INVOICE_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    invoice: Invoice
    corrections: _containers.RepeatedCompositeFieldContainer[Invoice]
    def __init__(self, invoice: _Optional[_Union[Invoice, _Mapping]] = ..., corrections: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ...) -> None: ...

class ListDraftsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "month")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    month: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., month: _Optional[str] = ...) -> None: ...

class ListDraftsResponse(_message.Message):
    __slots__ = ("drafts", "next_page_token")
    DRAFTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    drafts: _containers.RepeatedCompositeFieldContainer[Draft]
    next_page_token: str
    def __init__(self, drafts: _Optional[_Iterable[_Union[Draft, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PreviewInvoiceRequest(_message.Message):
    __slots__ = ("account", "month")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    account: str
    month: str
    def __init__(self, account: _Optional[str] = ..., month: _Optional[str] = ...) -> None: ...

class PreviewInvoiceResponse(_message.Message):
    __slots__ = ("draft",)
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    draft: Draft
    def __init__(self, draft: _Optional[_Union[Draft, _Mapping]] = ...) -> None: ...

class FinalizeInvoiceRequest(_message.Message):
    __slots__ = ("account", "month", "accept_warning", "request_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_WARNING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account: str
    month: str
    accept_warning: bool
    request_id: str
    def __init__(self, account: _Optional[str] = ..., month: _Optional[str] = ..., accept_warning: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class FinalizeInvoiceResponse(_message.Message):
    __slots__ = ("invoices",)
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    def __init__(self, invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ...) -> None: ...

class FinalizeMonthRequest(_message.Message):
    __slots__ = ("month", "request_id")
    MONTH_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    month: str
    request_id: str
    def __init__(self, month: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class FinalizeMonthResponse(_message.Message):
    __slots__ = ("account_name", "invoices", "left_because")
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    LEFT_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    account_name: str
    invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    left_because: str
    def __init__(self, account_name: _Optional[str] = ..., invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ..., left_because: _Optional[str] = ...) -> None: ...

class CorrectInvoiceRequest(_message.Message):
    __slots__ = ("number", "currency", "amount_minor_units", "reason", "request_id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MINOR_UNITS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    number: str
    currency: str
    amount_minor_units: int
    reason: str
    request_id: str
    def __init__(self, number: _Optional[str] = ..., currency: _Optional[str] = ..., amount_minor_units: _Optional[int] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CorrectInvoiceResponse(_message.Message):
    __slots__ = ("correction",)
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    correction: Invoice
    def __init__(self, correction: _Optional[_Union[Invoice, _Mapping]] = ...) -> None: ...
