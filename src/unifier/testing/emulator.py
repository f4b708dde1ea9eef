"""Stand in for a system that speaks HTTP: a small real server on loopback, with scripted pages, faults and a log.

What a vendor's tests ask of it goes through sockets, as in earnest: redirects, broken answers and slow ones included.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

_LONGEST: Final = 5.0
"""Seconds that the server waits for its thread to end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came: ``query`` and ``headers`` by name (headers in lower case), ``body`` as it was sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """Read the body as JSON; raise ValueError where it is none."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: ``body`` is JSON unless it is bytes.

    ``after`` seconds pass before the first byte; with ``cut`` the connection breaks off in the middle of the body.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    cut: bool = False

    @classmethod
    def busy(cls, seconds: int = 0) -> Answer:
        """Refuse for a while: 429 with Retry-After in seconds."""
        return cls({"error": "too many requests"}, 429, {"Retry-After": str(seconds)})

    @classmethod
    def broken(cls) -> Answer:
        """Fail with a 500."""
        return cls({"error": "internal"}, 500)

    @property
    def octets(self) -> bytes:
        """Write the body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


Route = Callable[[Asked], "Answer | Any"]


class Emulator:
    """Serve routes on a free port of loopback until the block ends.

    A route is a function of :class:`Asked` that returns an :class:`Answer`, or a body. Faults are answers put in the
    way: the next requests get them, one each, in order. Paths without a route answer 404.

    >>> from urllib.request import urlopen
    >>> with Emulator() as shop:
    ...     shop.route("/ping", lambda asked: {"pong": asked.query["n"]})
    ...     urlopen(shop.url + "/ping?n=7").read(), [asked.path for asked in shop.log]
    (b'{"pong": "7"}', ['/ping'])
    """

    def __init__(self) -> None:
        self.log: list[Asked] = []
        self._routes: dict[str, Route] = {}
        self._faults: list[Answer] = []
        self._guard = ("", "")
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="emulator")

    @property
    def url(self) -> str:
        """Address without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def route(self, path: str, answer: Route) -> None:
        """Answer a path with a function."""
        self._routes[path] = answer

    def pages(self, path: str, rows: Iterable[Any], size: int = 2, *, since: str = "") -> None:
        """Answer a path with rows, ``size`` at a time: ``?page=N`` from 1, as ``{"rows": […], "more": true}``.

        With ``since``, the name of a field, ``?since=X`` leaves out the rows whose field is less than X.
        """
        known = list(rows)

        def page(asked: Asked) -> Any:
            least = asked.query.get("since", "")
            due = [row for row in known if not (since and least) or str(row[since]) >= least]
            first = (int(asked.query.get("page", "1")) - 1) * size
            return {"rows": due[first : first + size], "more": first + size < len(due)}

        self.route(path, page)

    def guard(self, header: str, value: str) -> None:
        """Answer 401 to requests that do not bear a header with this value."""
        self._guard = (header.lower(), value)

    def script(self, path: str, answers: Sequence[Any]) -> None:
        """Answer a path with these answers, one for each request; the last one is repeated."""
        left = list(answers)
        self.route(path, lambda _: left.pop(0) if len(left) > 1 else left[0])

    def fail(self, *answers: Answer) -> None:
        """Put faults in the way of the next requests, one each."""
        with self._lock:
            self._faults.extend(answers)

    def answer(self, asked: Asked) -> Answer:
        """Log a request and say what is answered; called by the server, in a thread for each connection."""
        with self._lock:
            self.log.append(asked)
            if self._faults:
                return self._faults.pop(0)
            header, value = self._guard
            if header and asked.headers.get(header) != value:
                return Answer({"error": "who are you"}, 401)
            route = self._routes.get(asked.path)
            made = Answer({"error": "no such path"}, 404) if route is None else route(asked)
        return made if isinstance(made, Answer) else Answer(made)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(_LONGEST)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Serve one emulator; connections end with it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.emulator = emulator

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away: that is what tests make it do."""


class _Handler(BaseHTTPRequestHandler):
    """Hand a request to the emulator and send its answer."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
        """Write nothing: the log is a list."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        made = self.server.emulator.answer(
            Asked(self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
        )
        if made.after:
            time.sleep(made.after)
        octets = made.octets
        self.send_response(made.status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **made.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets[: len(octets) // 2] if made.cut else octets)
        self.close_connection = self.close_connection or made.cut

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - names of the standard library
