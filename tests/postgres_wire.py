"""The way to the real Postgres server of the tests, which can be made slow, deaf or dead: a TCP proxy."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.postgres_server import Server, server


class PostgresWire:
    """Carries what clients and the server say to each other, for as long as it is well."""

    def __init__(self, behind: Server | None = None) -> None:
        """Stand before a server, by default the one of this process."""
        self._server = f"{_folder((behind or server()).url)}/.s.PGSQL.5432"
        self._door = socket.create_server(("127.0.0.1", 0))
        self._flows, self._answers = threading.Event(), threading.Event()
        self._flows.set()
        self._answers.set()
        self._ways: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._let_in, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._door.close()
        self.mend()
        with self._lock:
            for way in self._ways:
                _close(*way)

    def url(self, direct: str) -> str:
        """An address of the server, by way of this proxy."""
        host, port = self._door.getsockname()
        return direct.replace("postgres:@/", f"postgres:@{host}:{port}/").replace(f"?host={_folder(direct)}&", "?")

    def hold_answers(self) -> None:
        """Let what the server says come later."""
        self._answers.clear()

    def let_answers_come(self) -> None:
        self._answers.set()

    def cut_off(self) -> None:
        """A black hole: the server sees every session end, and clients are told nothing, not even that."""
        self._flows.clear()
        with self._lock:
            for _, upwards in self._ways:
                _close(upwards)

    def mend(self) -> None:
        """Who was cut off hears that the connection is gone, and finds a new one."""
        self._flows.set()
        self._answers.set()

    # ------------------------------------------------------------------ carrying

    def _let_in(self) -> None:
        with contextlib.suppress(OSError):  # The door was closed.
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        self._flows.wait()
        upwards = socket.socket(socket.AF_UNIX)
        try:
            upwards.connect(self._server)
        except OSError:
            _close(client, upwards)
            return
        with self._lock:
            self._ways.append((client, upwards))
        threading.Thread(target=self._up, args=(client, upwards), daemon=True).start()
        with contextlib.suppress(OSError):
            while said := upwards.recv(1 << 16):
                self._answers.wait()
                client.sendall(said)
        self._flows.wait()
        _close(client, upwards)

    def _up(self, client: socket.socket, upwards: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := client.recv(1 << 16):
                if self._flows.is_set():  # What is said into a black hole is lost.
                    upwards.sendall(said)
        _close(upwards)


def _folder(url: str) -> str:
    return parse_qs(urlsplit(url).query)["host"][0]


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)  # Wakes whoever reads from it, and tells the other side.
        end.close()
