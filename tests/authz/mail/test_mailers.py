"""What everything that sends mail has in common: the server, the folder, and the double."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from authz.domain.administration.mail import LeakMail, Mail, WelcomeMail
from authz.domain.administration.refusals import MailNotAcceptedError
from authz.mail.outbox import OutboxMailer
from authz.mail.smtp import SmtpMailer
from tests.authz.mail.doubles import FakeMailer
from tests.authz.mail.samples import KEY, LEAK, MOMENT, WELCOME, make_writer
from tests.authz.mail.smtp_server import Inbox


@dataclass
class Post:
    """A mailer, what has arrived through it, and how it is made to refuse."""

    send: Callable[[Mail], Awaitable[None]]
    arrived: Callable[[], list[str]]
    refuse: Callable[[], None]


@pytest.fixture(params=["smtp", "outbox", "double"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Post:
    """Each of the three."""
    match request.param:
        case "smtp":
            inbox: Inbox = request.getfixturevalue("inbox")
            mailer: SmtpMailer = request.getfixturevalue("smtp_mailer")

            def refuse() -> None:
                inbox.refuse_message = "554 5.7.1 no"

            return Post(mailer.send, lambda: [_text_of(each) for each in inbox.messages], refuse)
        case "outbox":
            return _outbox(tmp_path / "outbox")
        case _:
            return _double()


async def test_a_mail_has_arrived_when_send_returns(post: Post) -> None:
    """With the key, whole."""
    await post.send(WELCOME)
    (text,) = post.arrived()
    assert KEY in text


async def test_mails_arrive_in_order(post: Post) -> None:
    """Each once."""
    names = ["first", "second", "third"]
    for name in names:
        await post.send(replace(LEAK, key_name=name))
    assert [[name for name in names if name in text] for text in post.arrived()] == [
        ["first"],
        ["second"],
        ["third"],
    ]


async def test_a_refused_mail_has_not_arrived(post: Post) -> None:
    """And the sentence is fit for whoever asked: it holds no key."""
    post.refuse()
    with pytest.raises(MailNotAcceptedError) as caught:
        await post.send(WELCOME)
    assert post.arrived() == []
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("recipient", ["dév@acme.example", "a@b\r\nRCPT TO:<c@d>", "a@b,c@d", ""])
async def test_an_address_that_is_none_is_refused(post: Post, recipient: str) -> None:
    """Before anything is sent."""
    with pytest.raises(MailNotAcceptedError):
        await post.send(replace(WELCOME, recipient=recipient))
    assert post.arrived() == []


def _outbox(folder: Path) -> Post:
    ticks = iter(range(100))
    mailer = OutboxMailer(make_writer(), folder, lambda: MOMENT.replace(microsecond=next(ticks)))

    def refuse() -> None:
        folder.write_text("a file in the folder's place")

    def arrived() -> list[str]:
        return [_text_of(each.read_bytes()) for each in sorted(folder.glob("*.eml"))]

    return Post(mailer.send, arrived, refuse)


def _double() -> Post:
    mailer = FakeMailer()

    def refuse() -> None:
        mailer.refusal = "mx.example:587 refused the message: 554."

    return Post(mailer.send, lambda: [_told(each) for each in mailer.accepted], refuse)


def _told(mail: Mail) -> str:
    match mail:
        case WelcomeMail():
            return f"{mail.key_name} {mail.secret}"
        case LeakMail():
            return mail.key_name


def _text_of(content: bytes) -> str:
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())
