"""The receiver as GitHub meets it: a real process, real signatures, a real connection behind."""

import hashlib
import json
import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contract.keys import mint_key
from leaks.body import BODY_BYTES_MAX
from leaks.report import FINDINGS_MAX
from leaks.signature import IDENTIFIER_HEADER, SIGNATURE_HEADER
from tests.leaks.admin_double import AdminDouble
from tests.leaks.conftest import LEAKS_URI, Setup
from tests.leaks.process import Receiver
from tests.leaks.signing import Signer, publish, report_of


def _make_key() -> str:
    return mint_key(secrets.randbelow)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def test_a_reported_key_is_revoked(receiver: Receiver, admin: AdminDouble, signer: Signer) -> None:
    """With where it was found and by whom, and GitHub learns that it was one."""
    key = _make_key()
    admin.known[key] = "key-1"
    answer = receiver.report(report_of(key, url="https://github.com/acme/shop"), signer)
    assert answer.status_code == 200
    assert answer.json() == [
        {"token_hash": _hash(key), "token_type": "tessera_api_key", "label": "true_positive"}
    ]
    (request,) = admin.requests
    assert request.secret == key
    assert request.found_at == "https://github.com/acme/shop"
    assert request.reporter == "GitHub secret scanning"
    assert admin.callers == {LEAKS_URI}


def test_what_is_no_key_is_a_false_positive(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """A wrong checksum costs no call; a key that does not exist costs one."""
    unknown, known = _make_key(), _make_key()
    mistyped = known[:-1] + ("0" if known[-1] != "0" else "1")
    admin.known[known] = "key-1"
    answer = receiver.report(report_of("junk", mistyped, unknown, known), signer)
    assert [each["label"] for each in answer.json()] == [
        *["false_positive"] * 3,
        "true_positive",
    ]
    assert {each.secret for each in admin.requests} == {unknown, known}


def test_a_repeated_report_is_the_same_request(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """So that nothing is changed, or told to anybody, twice."""
    body = report_of(_make_key())
    assert receiver.report(body, signer).json() == receiver.report(body, signer).json()
    first, second = admin.requests
    assert first == second
    assert first.request_id


def test_one_key_in_two_places_is_two_requests(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """Each place is in the audit; the same one twice is one."""
    key = _make_key()
    here, there = (report_of(key, url=f"https://github.com/acme/{name}") for name in "ab")
    body = json.dumps([*json.loads(here), *json.loads(there), *json.loads(here)]).encode()
    assert len(receiver.report(body, signer).json()) == 3
    assert len({each.request_id for each in admin.requests}) == len(admin.requests) == 2


def test_a_full_report_is_dealt_with(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """As many findings as there may be, all of them keys."""
    keys = [_make_key() for _ in range(FINDINGS_MAX)]
    admin.known.update({key: f"id-{key}" for key in keys})
    assert receiver.report(report_of(*keys), signer).status_code == 200
    assert len(admin.revoked) == FINDINGS_MAX


def test_two_reports_at_once_are_both_dealt_with(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """Neither waits for the other to fail."""
    reports = [[_make_key() for _ in range(5)] for _ in range(2)]
    admin.known.update({key: key for report in reports for key in report})
    with ThreadPoolExecutor(2) as threads:
        answers = threads.map(lambda keys: receiver.report(report_of(*keys), signer), reports)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(admin.revoked) == 10


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL],
)
def test_a_report_is_asked_for_again_when_a_key_was_not_revoked(
    code: grpc.StatusCode, receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """Whatever the reason: nothing is lost, and the key stands in no log."""
    key = _make_key()
    admin.known[key] = "key-1"
    admin.refusal = code
    answer = receiver.report(report_of(key), signer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_revoked")
    admin.refusal = None
    assert receiver.report(report_of(key), signer).status_code == 200
    assert admin.revoked == {"key-1"}
    assert code.name in receiver.log.read_text()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({SIGNATURE_HEADER: None}, 400, "bad_header"),
        ({IDENTIFIER_HEADER: None}, 400, "bad_header"),
        ({IDENTIFIER_HEADER: ""}, 400, "bad_header"),
        ({SIGNATURE_HEADER: ""}, 400, "bad_header"),
        ({SIGNATURE_HEADER: "MEUCIQDKZokq"}, 401, "wrong_signature"),
        ({SIGNATURE_HEADER: "MEUCIQDKZok"}, 400, "bad_header"),
        ({SIGNATURE_HEADER: "not base64!"}, 400, "bad_header"),
        ({SIGNATURE_HEADER: "Ä==="}, 400, "bad_header"),
        ({SIGNATURE_HEADER: b64encode(bytes(72)).decode()}, 401, "wrong_signature"),
        ({SIGNATURE_HEADER: b64encode(bytes(6000)).decode()}, 401, "wrong_signature"),
        ({IDENTIFIER_HEADER: "somebody"}, 401, "unknown_public_key"),
        ({IDENTIFIER_HEADER: "'; DROP TABLE keys; --"}, 401, "unknown_public_key"),
    ],
)
def test_a_report_without_a_good_signature_changes_nothing(
    headers: dict[str, str | None],
    status: int,
    code: str,
    receiver: Receiver,
    admin: AdminDouble,
    signer: Signer,
) -> None:
    """It is told what is wrong; the admin API does not hear of it."""
    body = report_of(_make_key())
    sent = [
        (name.encode(), value.encode("latin-1"))
        for name, value in (signer.headers(body) | headers).items()
        if value is not None
    ]
    answer = receiver.client.post("/github", content=body, headers=sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert admin.requests == []


def test_a_body_that_was_changed_is_refused(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """By one blank that means nothing in JSON: the signature is over bytes."""
    body = report_of(_make_key())
    answer = receiver.client.post("/github", content=body + b" ", headers=signer.headers(body))
    assert answer.json()["error"]["code"] == "wrong_signature"
    assert admin.requests == []


def test_somebody_else_s_signature_is_refused(receiver: Receiver, admin: AdminDouble) -> None:
    """Under the name of a key that is known."""
    answer = receiver.report(report_of(_make_key()), Signer())
    assert answer.json()["error"]["code"] == "wrong_signature"
    assert admin.requests == []


@pytest.mark.parametrize("name", [IDENTIFIER_HEADER, SIGNATURE_HEADER])
def test_a_header_twice_is_refused(
    name: str, receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """Another reader might take the other one."""
    body = report_of(_make_key())
    headers = signer.headers(body)
    answer = receiver.client.post(
        "/github", content=body, headers=[*headers.items(), (name, headers[name])]
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_header")
    assert admin.requests == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_report"),
        (b"{}", 400, "malformed_report"),
        (b'"sk-tessera-"', 400, "malformed_report"),
        (b"[1]", 400, "malformed_report"),
        (b'[{"token": 1, "type": "t"}]', 400, "malformed_report"),
        (b'[{"type": "t"}]', 400, "malformed_report"),
        (b'[{"token": "\xff", "type": "t"}]', 400, "malformed_report"),
        (b'[{"token": "\\ud800", "type": "t"}]', 400, "malformed_report"),
        (b"[" * 100_000, 400, "malformed_report"),
        (report_of(*["x"] * (FINDINGS_MAX + 1)), 413, "too_many_findings"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_signed_body_that_is_no_report_is_refused(
    body: bytes, status: int, code: str, receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """With a sentence, and without a call."""
    answer = receiver.report(body, signer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert admin.requests == []


def test_a_huge_body_is_refused_before_it_is_read(receiver: Receiver, signer: Signer) -> None:
    """However it is sent, and whatever its signature."""
    body = b" " * (BODY_BYTES_MAX + 1)
    for content in (body, iter([body])):
        answer = receiver.client.post("/github", content=content, headers=signer.headers(body))
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_an_empty_report_is_a_good_one(receiver: Receiver, signer: Signer) -> None:
    """There is nothing to do."""
    answer = receiver.report(b"[]", signer)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/github", 405), ("POST", "/", 404), ("POST", "/github/", 404)],
)
def test_other_requests_are_refused(
    method: str, path: str, status: int, receiver: Receiver
) -> None:
    """In JSON, like every refusal."""
    answer = receiver.client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == "Reports are taken at POST /github."


def test_a_good_receiver_says_so(receiver: Receiver) -> None:
    """It has public keys and reaches the admin API."""
    assert receiver.client.get("/readyz").status_code == 200


def test_logs_and_metrics_hold_no_key(
    receiver: Receiver, admin: AdminDouble, signer: Signer
) -> None:
    """Known or not, taken or refused, in the token or in the address where it was found."""
    known, unknown, mistyped = _make_key(), _make_key(), _make_key()[:-1] + "_"
    admin.known[known] = "key-1"
    before = receiver.metric('leaks_findings_total{outcome="revoked"}')
    receiver.report(report_of(known, unknown, mistyped, url=f"https://a.example/{known}"), signer)
    receiver.report(report_of(known), Signer())
    receiver.report(known.encode(), signer)
    admin.refusal = grpc.StatusCode.INTERNAL
    receiver.report(report_of(known), signer)
    shown = receiver.log.read_text() + receiver.client.get("/metrics").text
    assert not [key for key in (known, unknown, mistyped) if key in shown]
    assert not [each for each in admin.requests if known in each.found_at]
    assert receiver.metric('leaks_findings_total{outcome="revoked"}') == before + 1


def test_a_key_on_another_curve_is_not_taken(
    receiver: Receiver, admin: AdminDouble, signer: Signer, setup: Setup
) -> None:
    """Published beside good ones, which are taken as soon as the file has them."""
    other, fresh = Signer("p384", ec.SECP384R1()), Signer("reporter-2")
    setup.keys_file.write_bytes(publish([signer, other, fresh]))
    body = report_of(_make_key())
    assert receiver.report(body, other).json()["error"]["code"] == "unknown_public_key"
    assert receiver.report(body, fresh).status_code == 200
    assert receiver.report(body, signer).status_code == 200
    assert len(admin.requests) == 2
