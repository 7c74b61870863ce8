"""The world outside: a server that writes down what is done to it, in a file that no kill can reach.

Each line of the ledger is one effect: when, by what method, and for which step. Steps that must not happen twice bring
their idempotency key (`run/path/turn/n`), the others name their place in the address.
"""

import json
import os
import random
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that was done to the world."""

    at: float
    """Seconds since 1970."""
    once: bool
    """It must not happen twice unless somebody says so."""
    key: str
    """`run/path`, for a `once` step `run/path/turn/n`."""
    answer: Any
    """What the step was told."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that broke: their other ends were killed."""


class Outside:
    """The server and its ledger."""

    def __init__(self, file: Path, chance: random.Random, slow: float = 0.04) -> None:
        """Serve on any free port. `slow`: seconds that an effect takes at most, before and after it is written down."""
        self._file = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._chance, self._slow = chance, slow
        self._lock = threading.Lock()
        self.asked = 0
        """Requests so far, whether something has come of them or not."""
        self.effects: list[Effect] = []
        outside = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # The base's own word.
                pass

            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if len(body) < length:  # Who asked was killed between the headers and the body: nothing comes of that.
                    self.close_connection = True
                    return
                key = self.headers.get("Idempotency-Key") or self.path.removeprefix("/")
                answer = outside.happen(key, once=self.command == "POST", said=json.loads(body or b"null"))
                text = json.dumps(answer).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:  # Who asked is dead.
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do  # noqa: N815  # The names that http.server calls.

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def happen(self, key: str, *, once: bool, said: Any) -> Any:
        """Do it: a while later it is in the ledger, and a while after that whoever asked is told."""
        self.asked += 1
        time.sleep(self._chance.random() * self._slow)
        answer = {"said": said}
        effect = Effect(time.time(), once, key, answer)
        line = json.dumps({"at": effect.at, "once": once, "key": key}, ensure_ascii=False)
        with self._lock:
            os.write(self._file, f"{line}\n".encode())
            os.fsync(self._file)
            self.effects.append(effect)
        time.sleep(self._chance.random() * self._slow)
        return answer

    def happened(self, key: str) -> Effect | None:
        """The last effect for a key, as a person finds it who looks."""
        with self._lock:
            return next((effect for effect in reversed(self.effects) if effect.key == key), None)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        os.close(self._file)
