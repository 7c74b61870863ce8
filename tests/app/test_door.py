"""The small door for machines: what it answers, and what it refuses."""

import asyncio

import pytest

from mulle.app.door import DoorTaken, Reply, open_door
from mulle.errors import StoreError


async def asked(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    return answer


async def test_the_door_answers_what_it_has_and_refuses_the_rest():
    async def here() -> Reply:
        return Reply("안녕")

    async def broken() -> Reply:
        raise StoreError("The disk is gone.")

    async with open_door({"/a": here, "/b": broken}, "127.0.0.1", 0) as port:
        for request, status, text in (
            (b"GET /a?x=1 HTTP/1.1\r\n\r\n", "200", "안녕"),
            (b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n", "503", "The disk is gone."),
            (b"GET /c HTTP/1.1\r\n\r\n", "404", "There are: /a, /b"),
            (b"POST /a HTTP/1.1\r\n\r\n", "405", "Only GET is answered here."),
            (b"\x16\x03\x01 nonsense\r\n\r\n", "400", "no request that we understand"),
        ):
            answer = await asked(port, request)
            assert answer.startswith(f"HTTP/1.1 {status}")
            assert text in answer
        with pytest.raises(DoorTaken):
            async with open_door({}, "127.0.0.1", port):
                pass
