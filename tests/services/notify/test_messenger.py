import json
from collections.abc import Iterator

import pytest
from tests.services.site import Site, redirect, reply

from mulle.errors import AddressRefused, DeliveryRefused, RequestUnusable
from mulle.services.guard import Guard
from mulle.services.notify.message import Destination, Message
from mulle.services.notify.messenger import tell

MESSAGE = Message("기사 3개 {{x}} \\n", "오늘의 뉴스")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


async def test_a_service_of_ones_own_is_told_when_it_is_allowed(site: Site):
    site.on("/", reply("{}"))

    receipt = await tell(MESSAGE, Destination("apprise", (f"ntfy://127.0.0.1:{site.port}/news",)), site.guard())

    told = json.loads(site.received[0].body)
    assert (told["topic"], told["title"], told["message"]) == ("news", "오늘의 뉴스", "기사 3개 {{x}} \\n")
    assert (receipt.to, receipt.delivered) == ("ntfy", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "example.com", "2130706433"])
async def test_a_service_of_ones_own_needs_permission_even_if_public(site: Site, host: str):
    url = f"ntfy://{host}:{site.port}/news"

    with pytest.raises(AddressRefused) as caught:
        await tell(MESSAGE, Destination("apprise", (url,)), Guard())

    assert site.received == []
    assert not caught.value.sent


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/",
        "mailto://user:pass@example.com",
        "file:///etc/passwd",
        "syslog://",
        "http://127.0.0.1",
        "ntfys://ntfy.sh/news?verify=no",
        "ntfys://ntfy.sh/news?redirect=yes",
        "slack://a/b/c?Template=/etc/passwd",
        "line://",
        "",
        "nothing",
        "slack://a\nb",
    ],
)
async def test_what_is_not_on_the_list_is_refused(url: str):
    with pytest.raises(RequestUnusable) as caught:
        await tell(MESSAGE, Destination("apprise", (url,)), Guard())

    assert not caught.value.sent


async def test_a_failure_tells_why_and_not_the_key(site: Site):
    site.on("/", reply("no", status=403))
    to = Destination("apprise", (f"ntfy://hunter2:hunter2@127.0.0.1:{site.port}/news",))

    with pytest.raises(DeliveryRefused, match="ntfy") as caught:
        await tell(MESSAGE, to, site.guard())

    assert caught.value.sent
    assert "hunter2" not in str(caught.value.to_dict())


async def test_apprise_follows_no_redirect(site: Site):
    site.on("/", redirect(site.url("/elsewhere"), 307))

    with pytest.raises(DeliveryRefused):
        await tell(MESSAGE, Destination("apprise", (f"ntfy://127.0.0.1:{site.port}/news",)), site.guard())

    assert {received.target for received in site.received} == {"/"}


async def test_nowhere_to_go_is_refused():
    with pytest.raises(RequestUnusable, match="nowhere"):
        await tell(MESSAGE, Destination("apprise"), Guard())
