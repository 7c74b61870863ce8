import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.certificates import server_and_client_tls
from tests.services.notify.post_office import PostOffice, ScriptedServer, body, people, read
from tests.services.site import resolver

from mulle.errors import (
    AddressRefused,
    CertificateRefused,
    ConnectionLost,
    DeliveryRefused,
    NetworkError,
    RequestUnusable,
    TimedOut,
    UnreachableHost,
)
from mulle.sdk.acting import ASKED
from mulle.services.guard import Guard, place
from mulle.services.notify.address import Address
from mulle.services.notify.mail import Mail, compose, deliver
from mulle.services.notify.message import Attachment, Message
from mulle.settings import MailServer

SENDER = Address("mulle@example.com", "물레")
HONG = Address("hong@example.com", "홍길동")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def _mail(*to: Address, text: str = "경제 기사 3개", subject: str = "오늘의 뉴스", key: str = "run/send/1/1") -> Mail:
    return compose(Message(text, subject), sender=SENDER, to=to or (HONG,), key=key, now=NOON)


def _guard(server: MailServer) -> Guard:
    return Guard([place(server.host, server.port)])


# Writing


def test_a_korean_mail_is_read_as_it_was_written():
    message = Message(
        "본문\n.점으로 시작\nFrom 여기",
        "오늘의 경제 뉴스 — 아주 길어서 여러 줄로 접어야 하는 제목입니다, 그래도 하나의 제목으로 읽혀야 합니다",
        html="<p>본문</p>",
        attachments=(
            Attachment("보고서 최종.csv", "가,나".encode(), "text/csv; charset=utf-8"),
            Attachment("a.bin", b"\0\xff", "x"),
        ),
    )
    mail = compose(
        message, sender=SENDER, to=[HONG, Address("a@b.example")], cc=[Address("cc@b.example")], key="k", now=NOON
    )

    seen = read(mail.content)
    assert seen["subject"] == message.subject
    assert [str(address) for address in seen["to"].addresses] == ["홍길동 <hong@example.com>", "a@b.example"]
    assert str(seen["from"].addresses[0]) == "물레 <mulle@example.com>"
    assert seen["cc"] == "cc@b.example"
    assert seen["date"].datetime == NOON
    assert body(seen) == "본문\n.점으로 시작\nFrom 여기\n"
    assert body(seen, "html") == "<p>본문</p>\n"
    files = list(seen.iter_attachments())
    assert [file.get_filename() for file in files] == ["보고서 최종.csv", "a.bin"]
    assert [file.get_content_type() for file in files] == ["text/csv", "application/octet-stream"]
    assert files[0].get_content() == "가,나"
    assert mail.content.isascii()


@pytest.mark.parametrize("kind", ["", "x", "multipart/mixed", "message/rfc822", "a/b\r\nBcc: x@y.z", "텍스트/평문"])
def test_a_file_of_an_odd_type_goes_along_as_bytes(kind: str):
    message = Message("x", attachments=(Attachment("a", b"\0\xff", kind),))

    seen = read(compose(message, sender=SENDER, to=[HONG], key="k", now=NOON).content)

    assert [file.get_content() for file in seen.iter_attachments()] == [b"\0\xff"]


def test_the_same_key_gives_the_same_message_id():
    assert _mail(key="a").message_id == _mail(key="a").message_id != _mail(key="b").message_id
    assert read(_mail(key="a").content)["message-id"] == _mail(key="a").message_id


def test_hidden_recipients_stay_hidden():
    mail = compose(Message("x"), sender=SENDER, to=[], bcc=[HONG], key="k", now=NOON)

    assert mail.recipients == (HONG,)
    assert b"hong" not in mail.content


@pytest.mark.parametrize("evil", ["a\r\nBcc: all@example.com", "a\nb", "a\rb", "a\0b", "a\u2028b"])
def test_no_header_comes_in_through_subject_or_file_name(evil: str):
    for message in (Message("x", evil), Message("x", attachments=(Attachment(evil, b""),))):
        with pytest.raises(RequestUnusable) as caught:
            compose(message, sender=SENDER, to=[HONG], key="k", now=NOON)
        assert not caught.value.sent


def test_a_mail_to_nobody_is_refused():
    with pytest.raises(RequestUnusable, match="no recipient"):
        compose(Message("x"), sender=SENDER, to=[], key="k", now=NOON)


@given(st.text(max_size=200), st.text(max_size=120), st.text(max_size=60))
def test_whatever_is_told_becomes_a_mail_with_our_headers_only(text: str, subject: str, name: str):
    printable = "".join(char for char in name if char.isprintable())
    to = Address("hong@example.com", printable)
    try:
        mail = compose(Message(text, subject), sender=SENDER, to=[to], key="k", now=NOON)
    except RequestUnusable:
        return

    seen = read(mail.content)
    ours = "from to subject date message-id auto-submitted content-type content-transfer-encoding mime-version"
    assert {header.lower() for header in seen} == set(ours.split())
    assert [address.addr_spec for address in seen["to"].addresses] == ["hong@example.com"]
    lines = mail.content.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line or len(line) > 998 for line in lines)


@given(st.text(alphabet="가나다힣 abc,.\"'()<>@:;\\=?_-[]&😀", max_size=150))
def test_any_subject_and_name_is_read_as_it_was_written(words: str):
    message = Message("x", words, attachments=(Attachment(f"보고서 {words}.csv", b"x"),))
    mail = compose(message, sender=SENDER, to=[Address("a@b.example", words.strip()), HONG], key="k", now=NOON)

    seen = read(mail.content)
    assert [file.get_filename() for file in seen.iter_attachments()] == [f"보고서 {words}.csv"]
    assert seen["subject"] == words.strip()
    assert people(mail.content, "to") == [(words.strip(), "a@b.example"), ("홍길동", "hong@example.com")]


# Handing over


async def test_a_mail_arrives_as_it_was_sent():
    async with PostOffice() as office:
        refused = await deliver(_mail(HONG, text="안녕\n.\n..점\n끝"), office.server(), _guard(office.server()))

    assert refused == ()
    assert body(office.mails[0]) == "안녕\n.\n..점\n끝\n"
    assert office.envelopes[0].mail_from == "mulle@example.com"
    assert office.envelopes[0].rcpt_tos == ["hong@example.com"]


async def test_the_mail_server_needs_permission_like_every_place():
    async with PostOffice() as office:
        with pytest.raises(AddressRefused):
            await deliver(_mail(), office.server(), Guard())

    assert office.envelopes == []


async def test_a_password_is_used_where_the_owner_accepts_no_tls():
    async with PostOffice() as office:
        server = office.server("me@example.com", tls="off")
        await deliver(_mail(), server, _guard(server))

    assert (office.logins, len(office.mails)) == (["me@example.com"], 1)


async def test_a_password_does_not_go_out_in_the_clear():
    async with PostOffice() as office:
        server = office.server("me@example.com")
        with pytest.raises(DeliveryRefused, match="clear") as caught:
            await deliver(_mail(), server, _guard(server))

    assert office.logins == []
    assert "tls=off" in caught.value.advice


@pytest.mark.parametrize("tls", ["auto", "always"])
async def test_tls_is_used_and_the_name_is_checked(tmp_path: Path, tls: str):
    ours, theirs = server_and_client_tls(tmp_path, "mail.example")
    async with PostOffice(starttls=ours) if tls == "auto" else PostOffice(smtps=ours) as office:
        server = MailServer("mail.example", office.port, "me@example.com", "비밀번호", tls)
        wrong = MailServer("other.example", office.port, "me@example.com", "비밀번호", tls)
        guard = Guard(
            [f"mail.example:{office.port}", f"other.example:{office.port}"],
            resolve=resolver({"mail.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}),
        )
        await deliver(_mail(), server, guard, tls=theirs)
        with pytest.raises(CertificateRefused) as caught:
            await deliver(_mail(), wrong, guard, tls=theirs)

    assert (office.secured, office.logins) == ([True], ["me@example.com"])
    assert not caught.value.sent


async def test_a_wrong_password_is_an_error_with_advice_and_without_the_password():
    async with PostOffice() as office:
        server = office.server("me@example.com", "hunter2", tls="off")
        with pytest.raises(DeliveryRefused, match="535") as caught:
            await deliver(_mail(), server, _guard(server))

    assert "MULLE_SMTP_URL" in caught.value.advice
    assert "hunter2" not in str(caught.value.to_dict())


async def test_one_refused_recipient_does_not_keep_it_from_the_others():
    async with PostOffice() as office:
        refused = await deliver(_mail(Address("nobody@b.example"), HONG), office.server(), _guard(office.server()))

    assert refused == ("nobody@b.example: 550 no such person",)
    assert office.envelopes[0].rcpt_tos == ["hong@example.com"]


async def test_when_all_are_refused_nothing_is_sent():
    async with PostOffice() as office:
        with pytest.raises(DeliveryRefused, match="no such person") as caught:
            await deliver(_mail(Address("nobody@b.example")), office.server(), _guard(office.server()))

    assert (office.envelopes, caught.value.sent) == ([], False)


@pytest.mark.parametrize(
    ("step", "behaviour", "error", "sent"),
    [
        ("CONNECT", "554 go away", DeliveryRefused, False),
        ("CONNECT", "drop", UnreachableHost, False),
        ("CONNECT", "hang", TimedOut, False),
        ("CONNECT", "HTTP/1.1 400 Bad Request", DeliveryRefused, False),
        ("EHLO", "drop", UnreachableHost, False),
        ("MAIL", "550 보낼 수 없습니다", DeliveryRefused, False),
        ("MAIL", "drop", UnreachableHost, False),
        ("RCPT", "451 later", DeliveryRefused, False),
        ("RCPT", "drop", UnreachableHost, False),
        ("DATA", "452 full", DeliveryRefused, False),
        ("DATA", "drop", UnreachableHost, False),
        ("DATA", "hang", TimedOut, False),
        ("END", "451 try again", DeliveryRefused, False),
        ("END", "552 too big", DeliveryRefused, False),
        ("END", "drop", ConnectionLost, True),
        ("END", "hang", TimedOut, True),
    ],
)
async def test_an_error_knows_whether_the_mail_may_be_out(
    step: str, behaviour: str, error: type[NetworkError], sent: bool
):
    with ScriptedServer({step: behaviour}) as office, pytest.raises(error) as caught:
        await deliver(_mail(), office.server(), _guard(office.server()), within=0.5)

    assert caught.value.sent is sent
    assert caught.value.advice


@pytest.mark.parametrize("behaviour", ["drop", "hang", "500 what"])
async def test_a_rude_farewell_changes_nothing(behaviour: str):
    with ScriptedServer({"QUIT": behaviour}) as office:
        refused = await deliver(_mail(), office.server(), _guard(office.server()))

    assert (refused, len(office.mails)) == ((), 1)


async def test_nobody_there_is_unreachable():
    with ScriptedServer({}) as office:
        server = office.server()

    with pytest.raises(UnreachableHost, match="nothing listens") as caught:
        await deliver(_mail(), server, _guard(server))
    assert not caught.value.sent


async def test_who_may_not_act_any_more_hands_over_no_mail():
    asked = asyncio.Event()

    async def wait_to_be_stopped() -> None:
        asked.set()
        await asyncio.Event().wait()

    async def deliver_without_right(server: MailServer) -> None:
        ASKED.set(wait_to_be_stopped)
        await deliver(_mail(), server, _guard(server))

    async with PostOffice() as office:
        task = asyncio.create_task(deliver_without_right(office.server()))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert office.mails == []


async def test_a_cancelled_delivery_stops_at_once():
    with ScriptedServer({"RCPT": "hang"}) as office:
        task = asyncio.create_task(deliver(_mail(), office.server(), _guard(office.server())))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert office.mails == []
