"""The line between Mulle and one child: a byte that says "locked", then a job, then a reply, each with its length."""

import json
import os
import socket
from typing import Any

HERE, LOCKED, FAILED = b"P", b"R", b"F"
"""The child's first words: here I am (with the means to end me), and then one of two; after FAILED comes the reason."""


def send_self(line: int) -> None:
    """Hand over the means to end this process: a descriptor that stays right when the number is used again."""
    own = os.pidfd_open(os.getpid())
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=line)
    socket.send_fds(peer, [HERE], [own])
    peer.detach()
    os.close(own)


def receive_job(line: int) -> dict[str, Any] | None:
    """The job; None when the other side hung up."""
    if len(header := _receive(line, 4)) < 4:
        return None
    length = int.from_bytes(header, "big")
    return json.loads(body) if len(body := _receive(line, length)) == length else None


def send_reply(line: int, reply: bytes) -> None:
    send_all(line, len(reply).to_bytes(4, "big") + reply)


def send_all(line: int, some: bytes) -> None:
    """Write all of it. On a descriptor, so that pipes do as well as sockets."""
    left = memoryview(some)
    while left:
        left = left[os.write(line, left) :]


def _receive(line: int, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length and (part := os.read(line, min(1 << 20, length - len(parts)))):
        parts += part
    return bytes(parts)
