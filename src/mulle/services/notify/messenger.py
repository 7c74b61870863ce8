"""Tell it through one of the services that apprise speaks.

Apprise connects by itself, past our guard. So only schemes stand on the list whose plugin talks to its own service's
host and to no other; those that talk to a host in their URL need that host:port allowed by the owner, public or not.
"""

from urllib.parse import parse_qs, urlsplit

import apprise

from mulle.errors import AddressRefused, DeliveryRefused, RequestUnusable
from mulle.services.guard import Guard, place
from mulle.services.notify.message import Destination, Message, Receipt

FIXED = frozenset(
    {
        "discord",
        "gchat",
        "kakao",
        "kakaotalk",
        "line",
        "opsgenie",
        "pagerduty",
        "pbul",
        "pover",
        "slack",
        "tgram",
        "webex",
    }
)
HOSTED = frozenset({"gotify", "gotifys", "mmost", "mmosts", "ntfy", "ntfys", "rocket", "rockets"})
PARAMETERS_REFUSED = frozenset({"verify", "redirect", "template", "attach", "store", "image", "avatar_url"})
"""They weaken TLS, lead elsewhere or read files."""
SEND_TIMEOUT = 60.0
"""Seconds."""


async def tell(message: Message, to: Destination, guard: Guard) -> Receipt:
    """Send `message` to the apprise URLs in `to`. Raises RequestUnusable, AddressRefused, DeliveryRefused.

    Apprise does not say how far it came: every DeliveryRefused here has `sent=True`.
    """
    if not to.to:
        raise RequestUnusable("The message has nowhere to go.", hint="Give an apprise URL in `to`.")
    asset = apprise.AppriseAsset(app_id="Mulle", app_desc="Mulle", app_url="", http_redirects=False)
    sender = apprise.Apprise(asset=asset)
    for url in to.to:
        sender.add(_plugin(url, asset, guard))  # pyright: ignore[reportUnknownMemberType]  # half typed
    result = await sender.async_notify(
        body=message.text, title=message.subject, body_format=apprise.NotifyFormat.TEXT, timeout=SEND_TIMEOUT
    )
    schemes = ", ".join(dict.fromkeys(urlsplit(url).scheme.lower() for url in to.to))
    if not result:
        told = [entry.message for entry in result.logs() if entry.level in {"WARNING", "ERROR", "CRITICAL"}]
        why = " ".join(dict.fromkeys(told))[:300] or "it does not say why"
        raise DeliveryRefused(place=schemes, why=why, hint="Check the keys in the URL.", sent=True)
    return Receipt("apprise", schemes, delivered=True, recipients=len(to.to))


def _plugin(url: str, asset: apprise.AppriseAsset, guard: Guard) -> apprise.NotifyBase:
    """The plugin for one URL, if it may be used; errors do not repeat the URL, which holds keys."""
    scheme = urlsplit(url).scheme.lower()
    if scheme not in FIXED | HOSTED:
        known = ", ".join(sorted(FIXED | HOSTED))
        raise RequestUnusable(f"The scheme {scheme[:30]!r} is none that may be used.", hint=f"These may: {known}.")
    refused = PARAMETERS_REFUSED & {name.lower() for name in parse_qs(urlsplit(url).query, keep_blank_values=True)}
    if refused or not url.isprintable():
        raise RequestUnusable(f"The {scheme} URL has parameters that may not be used: {', '.join(sorted(refused))}.")
    plugin = apprise.Apprise.instantiate(url, asset=asset)  # pyright: ignore[reportUnknownMemberType]  # half typed
    if plugin is None:
        raise RequestUnusable(f"The {scheme} URL is incomplete.", hint="appriseit.com shows how it is written.")
    if scheme in HOSTED and getattr(plugin, "mode", "") != "cloud":
        port = int(getattr(plugin, "port", None) or (443 if getattr(plugin, "secure", False) else 80))
        if not guard.allows(plugin.host, port):
            why = "apprise connects to it by itself, so it needs to be allowed by name"
            raise AddressRefused(place=place(plugin.host, port), why=why)
    return plugin
