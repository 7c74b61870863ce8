"""A small HTTP door for machines that look after a worker: a few paths, GET only, nothing kept open.

Not the server: it takes nothing in, and it listens on this machine alone unless it is told otherwise.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from mulle.errors import InputError, MulleError

PATIENCE = 5.0
"""Seconds that a caller has to say what it wants."""
MOST_LINES = 100


class DoorTaken(InputError):
    """The port cannot be listened on."""

    code = "door.taken"
    message = "The port {port} cannot be used: {why}."
    hint = "Choose another one; `ss -tlnp` shows who has it."


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    text: str
    type: str = "text/plain; charset=utf-8"
    status: int = 200


Routes = Mapping[str, Callable[[], Awaitable[Page]]]
"""What answers each path."""
PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Error", 503: "Unavailable"}


@contextlib.asynccontextmanager
async def open_door(port: int, routes: Routes, *, host: str = "127.0.0.1") -> AsyncGenerator[int]:
    """Answer GET requests while this lasts; gives the port. Raises DoorTaken.

    Args:
        port: Where; 0: any that is free.
        routes: The pages by path.
        host: The address to listen on; "0.0.0.0" lets other machines in.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                request = await reader.readline()
                for _ in range(MOST_LINES):
                    if (await reader.readline()).strip() == b"":
                        break
            writer.write(_response(await _page(request, routes)))
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, host, port)
    except OSError as error:
        raise DoorTaken(port=port, why=error.strerror or str(error)) from error
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _page(request: bytes, routes: Routes) -> Page:
    match request.split():
        case [b"GET" | b"HEAD", target, _]:
            route = routes.get(target.decode("ascii", "replace").partition("?")[0])
            if route is None:
                return Page(f"There are: {', '.join(routes)}\n", status=404)
            try:
                return await route()
            except MulleError as error:
                return Page(f"{error.text}\n", status=503)
        case [_, _, _]:
            return Page("Only GET.\n", status=405)
        case _:
            return Page("This is no HTTP request.\n", status=400)


def _response(page: Page) -> bytes:
    body = page.text.encode()
    head = (
        f"HTTP/1.1 {page.status} {PHRASES.get(page.status, 'Error')}\r\nContent-Type: {page.type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
