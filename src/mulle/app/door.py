"""A small door for machines: plain GET requests, answered from a table of routes. Knows HTTP; knows nothing of runs.

For probes and collectors on one's own network: no TLS, no bodies, one request a connection.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from mulle.errors import MulleError, SetupError

LONGEST = 8192
"""Bytes that a request's head may have."""
PATIENCE = 5.0
"""Seconds for a request to come in and for its answer to be found."""


class DoorTaken(SetupError):
    """Nobody can listen at that address."""

    code = "setup.door_taken"
    message = "Nobody can listen at {host}:{port}: {why}."
    hint = "Choose another port, or see who listens there: `ss -ltnp`."


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers."""

    text: str
    status: int = 200
    type: str = "application/json"


Routes = Mapping[str, Callable[[], Awaitable[Reply]]]
"""By path."""


@contextlib.asynccontextmanager
async def open_door(routes: Routes, host: str, port: int) -> AsyncGenerator[int]:
    """Answer requests while the block runs; gives the port, which is chosen for us when 0 is asked for."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(_encoded(await _reply(reader, routes)))
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(serve, host, port, limit=LONGEST)
    except OSError as error:
        raise DoorTaken(host=host, port=port, why=error.strerror or str(error)) from error
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _reply(reader: asyncio.StreamReader, routes: Routes) -> Reply:
    try:
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            route = routes.get(target.partition("?")[0])
            if route is None:
                return _refused(404, f"There are: {', '.join(routes)}")
            if method not in {"GET", "HEAD"}:
                return _refused(405, "Only GET is answered here.")
            reply = await route()
            return Reply("", reply.status, reply.type) if method == "HEAD" else reply
    except MulleError as error:
        return _refused(503, error.text)
    except (TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return _refused(400, "This is no request that we understand, or it took too long.")


def _refused(status: int, why: str) -> Reply:
    return Reply(json.dumps({"error": why}, ensure_ascii=False), status)


def _encoded(reply: Reply) -> bytes:
    body = reply.text.encode()
    phrase = HTTPStatus(reply.status).phrase
    lines = (f"HTTP/1.1 {reply.status} {phrase}", f"Content-Type: {reply.type}; charset=utf-8")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""))
    return head.encode("latin-1") + body
