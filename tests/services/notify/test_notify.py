import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.services.notify.post_office import PostOffice, body, read
from tests.services.site import Site, reply

from mulle.errors import BadAddress, PathRefused, RequestUnusable, StoreError
from mulle.sdk.context import NotifyService
from mulle.services.guard import Guard
from mulle.services.http import Http
from mulle.services.notify import Destination, Message, Notify, Receipt
from mulle.settings import Settings

NEWS = Message("기사 3개", "오늘의 뉴스")


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http() as http:
        yield http


def _notify(http: Http, home: Path, **more: object) -> Notify:
    return Notify(http, Guard(), outbox=home / "outbox", files=home / "files", **more)  # pyright: ignore[reportArgumentType]


async def test_without_a_server_mail_is_laid_in_the_outbox_and_said_not_to_be_sent(http: Http, tmp_path: Path):
    notify = _notify(http, tmp_path)

    receipt = await notify.tell(NEWS, Destination("mail", ("홍 <hong@example.com>",)), idempotency_key="r1/보내기/1/1")

    path = Path(receipt.to)
    mail = read(path.read_bytes())
    assert (path.parent, path.suffix, stat.S_IMODE(path.stat().st_mode)) == (tmp_path / "outbox", ".eml", 0o600)
    assert (mail["subject"], body(mail), mail["message-id"]) == ("오늘의 뉴스", "기사 3개\n", receipt.reference)
    assert (receipt.delivered, receipt.recipients) == (False, 1)
    assert "not sent" in receipt.detail


async def test_laying_the_same_mail_twice_leaves_one(http: Http, tmp_path: Path):
    notify = _notify(http, tmp_path)
    for key in ("r1/a", "r1/a", "r1-a", "r1/b", "../../r1", "가" * 300, ""):
        await notify.tell(NEWS, Destination("mail", ("hong@example.com",)), idempotency_key=key)

    assert len(list((tmp_path / "outbox").iterdir())) == 6


async def test_an_outbox_that_cannot_be_written_is_an_error(http: Http, tmp_path: Path):
    (tmp_path / "outbox").touch()

    with pytest.raises(StoreError, match="outbox"):
        await _notify(http, tmp_path).tell(NEWS, Destination("mail", ("a@b.example",)), idempotency_key="k")


async def test_mail_goes_to_the_configured_server_although_it_is_private(http: Http, tmp_path: Path):
    async with PostOffice() as office:
        settings = Settings.from_environ(
            {
                "MULLE_HOME": str(tmp_path),
                "MULLE_SMTP_URL": f"smtp://127.0.0.1:{office.port}",
                "MULLE_MAIL_FROM": "물레 <mulle@example.com>",
            }
        )
        notify = Notify.configured(settings, http, Guard(settings.allow_hosts))
        to = Destination("mail", ("hong@example.com",), cc=("kim@example.com",), bcc=("nobody@example.com",))
        receipt = await notify.tell(NEWS, to, idempotency_key="k")

    assert office.envelopes[0].rcpt_tos == ["hong@example.com", "kim@example.com"]
    assert (receipt.delivered, receipt.recipients, receipt.to) == (True, 2, f"127.0.0.1:{office.port}")
    assert receipt.refused == ("nobody@example.com: 550 no such person",)
    assert office.mails[0]["message-id"] == receipt.reference
    assert not (tmp_path / "outbox").exists()


@pytest.mark.parametrize(
    ("user", "mail_from", "sender"),
    [
        ("me@example.com", None, "me@example.com"),
        ("me", None, "mulle@localhost"),
        ("me@example.com", "other@example.com", "other@example.com"),
    ],
)
async def test_the_sender_is_the_servers_user_unless_told(
    http: Http, tmp_path: Path, user: str, mail_from: str | None, sender: str
):
    async with PostOffice() as office:
        server = office.server(user if "@" in user else "", tls="off")
        notify = _notify(http, tmp_path, mail_server=server, mail_from=mail_from)
        await notify.tell(NEWS, Destination("mail", ("a@b.example",)), idempotency_key="k")

    assert office.envelopes[0].mail_from == sender


async def test_a_bad_address_stops_the_mail_before_anything_is_sent(http: Http, tmp_path: Path):
    with pytest.raises(BadAddress) as caught:
        await _notify(http, tmp_path).tell(NEWS, Destination("mail", ("홍길동",)), idempotency_key="k")

    assert not caught.value.sent
    assert not (tmp_path / "outbox").exists()


async def test_a_webhook_is_told_by_http(tmp_path: Path):
    with Site() as site:
        async with Http(site.guard()) as http:
            url = site.on("/hook", reply())
            receipt = await _notify(http, tmp_path).tell(NEWS, Destination("webhook", (url,)), idempotency_key="k")

    assert receipt.delivered
    assert len(site.received) == 1


async def test_telegram_is_told_where_it_lives(tmp_path: Path):
    with Site() as site:
        site.on("/bot1:a/sendMessage", reply())
        async with Http(site.guard()) as http:
            notify = _notify(http, tmp_path, telegram=site.url(""))
            await notify.tell(NEWS, Destination("telegram", ("7",), token="1:a"), idempotency_key="k")

    assert len(site.received) == 1


async def test_apprise_is_one_of_the_channels(http: Http, tmp_path: Path):
    with pytest.raises(RequestUnusable, match="scheme"):
        await _notify(http, tmp_path).tell(NEWS, Destination("apprise", ("json://x",)), idempotency_key="k")


async def test_the_console_shows_text_that_steers_no_terminal(http: Http, tmp_path: Path):
    shown: list[str] = []
    notify = _notify(http, tmp_path, console=shown.append)

    await notify.tell(Message("빨강\x1b[31m\r끝", "제목"), Destination("console"), idempotency_key="k")

    assert shown == ["제목\n\n빨강\ufffd[31m\ufffd끝\n"]


async def test_a_file_grows_or_is_replaced(http: Http, tmp_path: Path):
    notify = _notify(http, tmp_path)
    for mode in ("append", "append", "write", "append"):
        to = Destination("file", ("보고서/오늘.md",), mode=mode)
        receipt = await notify.tell(Message(mode), to, idempotency_key="k")

    path = tmp_path / "files" / "보고서" / "오늘.md"
    assert path.read_text(encoding="utf-8") == "write\nappend\n"
    assert receipt.to == str(path)


@pytest.mark.parametrize("name", ["../a.md", "/etc/passwd", "a/../../b", ""])
async def test_a_file_elsewhere_is_refused(http: Http, tmp_path: Path, name: str):
    with pytest.raises(PathRefused):
        await _notify(http, tmp_path).tell(NEWS, Destination("file", (name,)), idempotency_key="k")


async def test_a_file_that_cannot_be_written_is_an_error(http: Http, tmp_path: Path):
    (tmp_path / "files").touch()

    with pytest.raises(StoreError, match=r"a\.md"):
        await _notify(http, tmp_path).tell(NEWS, Destination("file", ("a.md",)), idempotency_key="k")


async def test_a_channel_that_does_not_exist_is_refused(http: Http, tmp_path: Path):
    to = Destination("smoke signals")  # pyright: ignore[reportArgumentType]  # as a document may say

    with pytest.raises(RequestUnusable, match="smoke"):
        await _notify(http, tmp_path).tell(NEWS, to, idempotency_key="k")


@pytest.mark.parametrize("to", [(), ("a.md", "b.md")])
async def test_a_file_needs_one_name(http: Http, tmp_path: Path, to: tuple[str, ...]):
    with pytest.raises(RequestUnusable):
        await _notify(http, tmp_path).tell(NEWS, Destination("file", to), idempotency_key="k")


def test_a_receipt_is_json_data():
    assert Receipt("console", "console", delivered=True).to_dict()["refused"] == []


async def _told_by_a_step(service: NotifyService, settings: dict[str, Any]) -> Mapping[str, Any]:
    return await service.send("mail", settings, idempotency_key="k")


async def test_a_step_tells_in_plain_data_and_gets_data_back(http: Http, tmp_path: Path):
    asked = {"to": "hong@example.com", "subject": "뉴스", "body": "3개"}

    receipt = await _told_by_a_step(_notify(http, tmp_path), asked)

    assert (receipt["channel"], receipt["delivered"], receipt["recipients"]) == ("mail", False, 1)
    assert "not sent" in receipt["detail"]
    assert body(read(Path(receipt["to"]).read_bytes())) == "3개\n"
