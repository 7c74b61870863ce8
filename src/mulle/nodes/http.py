"""A call to an API, a feed or a web page."""

import json
from typing import Any, Literal

from pydantic import BaseModel, Field

from mulle.document.policies import Duration
from mulle.errors import NetworkError
from mulle.sdk import Context, Done, Node, SecretData, SecretText, Settings
from mulle.sdk.context import Response
from mulle.sdk.feed import read_feed
from mulle.sdk.form_body import multipart, urlencoded
from mulle.sdk.markup import read_page
from mulle.sdk.node import Effect


class UnexpectedStatus(NetworkError):
    """The server answered, but not as the step expects."""

    code = "http.unexpected_status"
    message = "The server answered with {status}: {preview}"
    hint = "Statuses that are fine stand in `expect`; it has {expected}."


class Http(Node):
    """Call a URL and take its answer apart. Any answer but a success fails the step, unless `expect` says otherwise."""

    type = "http"
    title = {"en": "HTTP request", "ko": "HTTP 요청"}

    class Config(Settings):
        method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
        """POST and PATCH are never silently done twice."""
        url: SecretText = Field(min_length=1)
        params: dict[str, SecretData] = Field(default_factory=dict[str, Any])
        """Joined to the URL; a list gives a name several times, null leaves it out."""
        headers: dict[str, SecretText] = Field(default_factory=dict[str, str])
        """`{Authorization: "Bearer {{ secret.TOKEN }}"}`."""
        json_data: SecretData = Field(default=None, alias="json")
        """Sent as JSON."""
        body: SecretText | None = None
        """Sent as it is; instead of `json`."""
        form: dict[str, SecretData] = Field(default_factory=dict[str, Any])
        """Fields sent as an HTML form sends them; instead of `json` and `body`."""
        multipart: bool = False
        """Send the form as `multipart/form-data`, which some servers insist on."""
        timeout: Duration = 30.0
        """Seconds for everything, redirects and retries included."""
        expect: list[int] | Literal["any"] | None = None
        """Statuses that are fine, or `any`; by default all from 200 to 299."""
        parse: Literal["auto", "json", "text", "feed", "html"] = "auto"
        """What the output `json` gets. auto: the data if it is JSON. feed: RSS or Atom as `{title, link, items}`.
        html: a page as `{title, text, links}`. text: null."""

    class Inputs(BaseModel):
        pass

    class Outputs(BaseModel):
        status: int
        headers: dict[str, str]
        body: str
        json_data: Any = Field(default=None, alias="json")

    def effect_of(self, config: Config) -> Effect:
        return "once" if config.method in ("POST", "PATCH") else "repeatable"

    async def run(self, config: Config, inputs: Inputs, ctx: Context) -> Done:
        headers, body = _written(config)
        response = await ctx.http.request(
            config.method,
            config.url,
            headers=headers,
            params=config.params,
            json=None if config.form else config.json_data,
            body=body,
            timeout=config.timeout,
            idempotency_key=ctx.idempotency_key() if self.effect_of(config) == "once" else None,
            raise_for_status=config.expect is None,
        )
        _check(response, config.expect)
        return Done(
            {
                "status": response.status,
                "headers": {name: value for name, value in response.headers.items() if name.lower() != "set-cookie"},
                "body": response.text,
                "json": parsed(response, config.parse, config.url),
            }
        )


def _written(config: Http.Config) -> tuple[dict[str, str], bytes | str | None]:
    """The headers and the body."""
    if not config.form:
        return config.headers, config.body
    kind, body = multipart(config.form) if config.multipart else urlencoded(config.form)
    others = {name: value for name, value in config.headers.items() if name.lower() != "content-type"}
    return others | {"Content-Type": kind}, body


def _check(response: Response, expected: list[int] | Literal["any"] | None) -> None:
    """Raise UnexpectedStatus unless the status is among those that are fine."""
    if expected == "any":
        return
    fine = 200 <= response.status < 300 if expected is None else response.status in expected
    if not fine:
        raise UnexpectedStatus(
            status=response.status,
            preview=response.preview() or "(nothing more)",
            expected=", ".join(map(str, expected)) if expected else "200 to 299",
        )


def parsed(response: Response, how: str, url: str) -> Any:
    """The content as data. Raises what the parser raises: NetworkError for bad JSON, NoFeed."""
    match how:
        case "json":
            return response.json()
        case "feed":
            return read_feed(response.text)
        case "html":
            page = read_page(response.text, url)
            return {"title": page.title, "text": page.text, "links": page.links}
        case "auto":
            return _json_if_it_is(response)
        case _:
            return None


def _json_if_it_is(response: Response) -> Any:
    """The data of an answer that says it is JSON, or looks like it; null for any other."""
    if "json" in response.headers.get("content-type", "").lower() and response.text.strip():
        return response.json()
    if not response.text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        return None
