"""What a mail says, in both of its forms."""

import re
from dataclasses import fields, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.mail import Mail, WelcomeMail
from tests.authz.mail.samples import KEY, LEAK, MOMENT, SERVICE, WELCOME, make_writer

_PAGE: Final = (Path(__file__).parents[2] / "page" / "product-page.txt").read_text()
_HEADERS: Final = [
    "Date",
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]

each_mail = pytest.mark.parametrize("mail", [WELCOME, LEAK], ids=["welcome", "leak"])


class _Page(HTMLParser):
    """The text that a browser would show, and every address that it would load."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.references: list[str] = []
        self.feed(markup)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.text += " "
        self.tags.append(tag)
        names = {"src", "href", "background", "srcset", "action"}
        self.references += [value or "" for name, value in attrs if name in names]


def _write(mail: Mail) -> EmailMessage:
    message = message_from_bytes(make_writer().write(mail).content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _plain(mail: Mail) -> str:
    body = _write(mail).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _html(mail: Mail) -> str:
    body = _write(mail).get_body(("html",))
    assert body is not None
    return str(body.get_content())


@each_mail
def test_a_mail_says_who_sends_it_to_whom(mail: Mail) -> None:
    """And that a program wrote it, so that no absence note answers it."""
    message = _write(mail)
    assert message["From"] == "Tessera <no-reply@tesseraai.cloud>"
    assert message["To"] == mail.recipient
    assert message["Reply-To"] == SERVICE.support
    assert message["Date"].datetime == MOMENT.replace(microsecond=0)
    assert message["Message-ID"] == "<id1@tesseraai.cloud>"
    assert message["Auto-Submitted"] == "auto-generated"


@each_mail
def test_the_subject_holds_no_secret(mail: Mail) -> None:
    """It is shown on locked screens, and logged by servers."""
    assert KEY not in _write(mail)["Subject"]
    assert mail.account_name not in _write(mail)["Subject"]


@each_mail
def test_both_forms_say_the_same(mail: Mail) -> None:
    """Every word of the text is in the page, in the same order, under the product's name."""
    plain = re.sub(r"^(=+|-+|- )", "", _plain(mail), flags=re.MULTILINE)
    page = _Page(_html(mail).partition("<main>")[2]).text
    assert page.replace(":", "").split() == ["Tessera", *plain.replace(":", "").split()]


@each_mail
def test_a_page_loads_nothing(mail: Mail) -> None:
    """No picture, font or script of another place learns who reads it."""
    page = _Page(_html(mail))
    assert page.references == []
    assert not {"script", "img", "iframe", "link", "form", "object"} & set(page.tags)
    assert not re.search(r"url\(|@import", _html(mail))


@each_mail
def test_a_page_can_be_read_aloud(mail: Mail) -> None:
    """Its language, a title, one main heading, and rows that have headings."""
    markup = _html(mail)
    assert '<html lang="en">' in markup
    assert _Page(markup).tags.count("h1") == 1
    assert _Page(markup).tags.count("th") == markup.count('<th scope="row">')


@each_mail
def test_any_server_can_carry_it(mail: Mail) -> None:
    """Seven bits, and no line that a server may cut."""
    content = make_writer().write(replace(mail, account_name="Ångström · 株式会社 🚀")).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_the_welcome_has_the_key_on_a_line_of_its_own() -> None:
    """So that it can be copied whole, also from the raw file."""
    raw = make_writer().write(WELCOME).content.decode()
    assert f"\r\n    {KEY}\r\n" in raw
    assert f'<pre class="secret">{KEY}</pre>' in _html(WELCOME)


def test_the_welcome_has_all_that_a_first_call_needs() -> None:
    """What the product's page shows: base URL, model, and the lines of the three snippets."""
    text = " ".join(_plain(WELCOME).split())
    for shown in (SERVICE.base_url, SERVICE.model, SERVICE.support, "secrets manager"):
        assert shown in text
    snippets = _PAGE.partition("export TESSERA_API_KEY")[2].partition("Rotation and best")[0]
    code = [
        line.strip(" \\") for line in snippets.splitlines()[1:] if not line.startswith(("#", "//"))
    ]
    for line in code:
        assert " ".join(line.split()) in text


def test_the_leak_names_the_key_without_showing_it() -> None:
    """Which one it was, where it was found, when it ended."""
    text = _plain(LEAK)
    for shown in (LEAK.shown, LEAK.found_at, LEAK.reporter, "2026-03-01 12:30:15 UTC"):
        assert shown in text
    assert KEY not in text


def test_who_did_not_say_their_name_is_left_out() -> None:
    """No empty line stands for a finder who is not known."""
    anonymous = replace(LEAK, reporter="")
    assert "Reported by" not in _plain(anonymous)
    assert "Reported by" not in _html(anonymous)


def test_what_others_chose_is_escaped() -> None:
    """A name is a name, whatever it looks like."""
    name = '<script>alert("x")</script><img src=https://x.example/>'
    markup = _html(replace(LEAK, account_name=name, found_at=name, reporter=name))
    assert "script" not in _Page(markup).tags
    assert "img" not in _Page(markup).tags
    assert markup.count("&lt;script&gt;") == 3


def test_a_name_cannot_turn_the_direction_of_writing() -> None:
    """Nor hide characters in itself."""
    text = _plain(replace(WELCOME, account_name="ab\u202edcba\u200bef\x00\x1b[2J"))
    assert "abdcbaef[2J" in text


@given(st.text(), st.text(), st.text())
def test_no_text_adds_a_header_or_a_part(account: str, key: str, environment: str) -> None:
    """Line breaks of any kind, boundaries, surrogates: the message keeps its shape."""
    mail = replace(WELCOME, account_name=account, key_name=key, environment=environment)
    message = _write(mail)
    assert message.keys() == _HEADERS
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []
    assert KEY in _plain(mail)
    assert KEY in _html(mail)


def test_a_mail_does_not_show_its_secret() -> None:
    """Neither as a value nor as a message in its envelope."""
    assert KEY not in repr(WELCOME)
    assert KEY not in repr(make_writer().write(WELCOME))
    assert "secret" in {each.name for each in fields(WelcomeMail)}
