import email
import email.policy
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.nodes.alone import outputs, references
from tests.nodes.whole import ran
from tests.services.site import Site, reply

from mulle.errors import RequestUnusable
from mulle.nodes.notification import Notification
from mulle.sdk.context import Services
from mulle.services.guard import Guard
from mulle.services.http import Http
from mulle.services.notify import Notify


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
async def services(site: Site, tmp_path: Path, printed: list[str]) -> AsyncIterator[Services]:
    async with Http(site.guard("127.0.0.1")) as http:
        notify = Notify(http, Guard(), outbox=tmp_path / "outbox", files=tmp_path / "files", console=printed.append)
        yield Services(notify=notify)


async def test_without_a_server_a_mail_lies_in_the_outbox_and_the_receipt_says_so(services: Services, tmp_path: Path):
    settings = {
        "channel": "mail",
        "to": "kim@example.com, lee@example.com",
        "subject": "오늘의 경제",
        "text": "{{ a.text }}",
    }

    made = await outputs(Notification(), settings, names={"a": {"text": "기사 셋"}}, services=services)

    (path,) = (tmp_path / "outbox").glob("*.eml")
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert mail["Subject"] == "오늘의 경제"
    assert mail["To"] == "kim@example.com, lee@example.com"
    assert made["delivered"] is False
    assert made["receipt"]["recipients"] == 2


async def test_the_same_turn_sends_the_same_mail(services: Services, tmp_path: Path):
    settings = {"to": ["kim@example.com"], "text": "안녕"}

    first = await outputs(Notification(), settings, services=services)
    second = await outputs(Notification(), settings, services=services)

    assert first["receipt"]["reference"] == second["receipt"]["reference"]
    assert len(list((tmp_path / "outbox").iterdir())) == 1


async def test_what_arrives_at_a_port_comes_before_the_setting(services: Services, printed: list[str]):
    settings = {"channel": "console", "text": "정해진 글", "subject": "제목"}

    await outputs(Notification(), settings, {"text": ["온", "글"]}, services=services)

    assert printed == ['제목\n\n["온","글"]\n']


async def test_a_setting_stands_when_nothing_arrives_at_its_port(services: Services, printed: list[str]):
    await ran(
        """
        mulle: 1
        nodes:
          - {id: start, type: start, ports: {outputs: [{name: news, type: string}]}}
          - {id: tell, type: notification, data: {channel: console, subject: 오늘, text: "{{ start.news }}"}}
          - {id: end, type: end}
        edges:
          - {source: start, target: tell}
          - {source: tell, target: end}
        """,
        {"news": "금리 동결"},
        services=services,
    )

    assert printed == ["오늘\n\n금리 동결\n"]


async def test_a_webhook_gets_data_at_a_secret_address(site: Site, services: Services):
    site.on("/hook/T0K3N", reply("ok"))
    settings: dict[str, Any] = {"channel": "webhook", "to": "{{ secret.HOOK }}", "data": {"수": "{{ a.n }}"}}

    made = await outputs(
        Notification(), settings, names={"a": {"n": 3}}, secrets={"HOOK": site.url("/hook/T0K3N")}, services=services
    )

    assert site.received[0].body == '{"수":3}'.encode()
    assert "T0K3N" not in str(made)


async def test_a_mail_without_anybody_to_get_it_fails(services: Services):
    with pytest.raises(RequestUnusable, match="no recipient"):
        await outputs(Notification(), {"text": "누구에게?"}, services=services)


async def test_files_go_along(services: Services, tmp_path: Path):
    settings = {"to": "kim@example.com", "attachments": [{"name": "표.csv", "text": "가,나"}]}

    await outputs(Notification(), settings, services=services)

    (path,) = (tmp_path / "outbox").glob("*.eml")
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    (attachment,) = mail.iter_attachments()
    assert attachment.get_filename() == "표.csv"


def test_a_message_is_never_silently_sent_twice():
    assert Notification().effect_of(Notification.Config()) == "once"


def test_secrets_may_stand_in_addresses():
    assert references(Notification(), {"to": ["{{ secret.HOOK }}"]}) == ["secret.HOOK"]
