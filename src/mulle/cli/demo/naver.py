"""A stand-in for Naver's news search: a real HTTP server that answers in the real API's shape, errors included.

The articles are made up. The shape, the limits and the error codes are those of developers.naver.com's search API.
"""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mulle.document.yaml_text import load_yaml

KST_OFFSET = timedelta(hours=9)

ARTICLES: list[dict[str, str]] = load_yaml((Path(__file__).parent / "articles.yaml").read_text("utf-8"))


def search(parameters: Mapping[str, str], headers: Mapping[str, str], now: datetime) -> tuple[int, dict[str, Any]]:
    """The status and the body for one request to `/v1/search/news.json`."""
    if not headers.get("x-naver-client-id") or not headers.get("x-naver-client-secret"):
        return 401, _error("024", "Not Exist Client ID : Authentication failed. (인증에 실패했습니다.)")
    if not parameters.get("query"):
        return 400, _error("SE01", "Incorrect query request (잘못된 쿼리요청입니다.)")
    display = parameters.get("display", "10")
    if not display.isdigit() or not 1 <= int(display) <= 100:
        return 400, _error("SE02", "Invalid display value (부적절한 display 값입니다.)")
    if parameters.get("sort", "sim") not in ("sim", "date"):
        return 400, _error("SE04", "Invalid sort value (부적절한 sort 값입니다.)")
    items = [_item(number, now) for number in range(min(int(display), len(ARTICLES)))]
    return 200, {
        "lastBuildDate": _rfc822(now),
        "total": len(ARTICLES),
        "start": 1,
        "display": len(items),
        "items": items,
    }


def _item(number: int, now: datetime) -> dict[str, str]:
    article = ARTICLES[number]
    return {
        "title": article["title"].replace('"', "&quot;"),
        "originallink": f"https://news.example.com/economy/{number + 1}",
        "link": f"https://n.news.example.com/article/{number + 1}",
        "description": article["description"],
        "pubDate": _rfc822(now - timedelta(minutes=17 * (number + 1))),
    }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"errorMessage": message, "errorCode": code}


def _rfc822(moment: datetime) -> str:
    return format_datetime((moment + KST_OFFSET).replace(tzinfo=None)).replace("-0000", "+0900")


class NaverStandIn:
    """The server, on a port of its own. While it is held, requests wait: that is when a worker can be killed."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        """Set when a request has arrived."""
        self.requests = 0
        self._free = threading.Event()
        self._free.set()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.requests += 1
                stand_in.asked.set()
                stand_in._free.wait(30)
                parts = urlsplit(self.path)
                parameters = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                if parts.path == "/v1/search/news.json":
                    status, body = search(parameters, headers, datetime.now(UTC))
                else:
                    status, body = 404, _error("SE05", "Invalid search api (존재하지 않는 검색 api 입니다.)")
                content = json.dumps(body, ensure_ascii=False).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json; charset=UTF-8")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    pass  # Whoever asked was killed meanwhile.

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as declared above.
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True, name="naver-stand-in").start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def hold(self) -> None:
        """Let requests wait."""
        self.asked.clear()
        self._free.clear()

    def go_on(self) -> None:
        """Answer whoever waits."""
        self._free.set()

    def close(self) -> None:
        self.go_on()
        self._server.shutdown()
        self._server.server_close()
