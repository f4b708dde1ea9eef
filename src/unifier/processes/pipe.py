"""Speak between the run and the process of a source: one JSON message at a time, with columns behind it where need be.

Nothing that comes from a plugin's process is ever unpickled.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import pyarrow as pa

_HEAD: Final = 4
MOST: Final = 2**31 - 1
"""Bytes of a message: more than any batch of faults may be."""


class PipeClosedError(BrokenPipeError):
    """The other side is gone; told apart from what a plugin's own connections raise."""


@dataclass(slots=True)
class Pipe:
    """Two ends of two pipes: what comes in, what goes out."""

    incoming: Connection
    outgoing: Connection

    @classmethod
    def of(cls, read: int, write: int) -> Pipe:
        """Wrap two file descriptors."""
        return cls(Connection(read, writable=False), Connection(write, readable=False))

    def send(self, word: str, body: dict[str, Any], columns: pa.Table | None = None) -> None:
        """Send a message; raise PipeClosedError when the other side is gone."""
        head = json.dumps({"word": word, **body}, ensure_ascii=True).encode("ascii")
        message = len(head).to_bytes(_HEAD, "big") + head + _packed(columns)
        try:
            self.outgoing.send_bytes(message)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise PipeClosedError from error

    def receive(self) -> tuple[dict[str, Any], pa.Table | None]:
        """Wait for a message; raise PipeClosedError when the other side is gone, ValueError when it is no message."""
        try:
            message = self.incoming.recv_bytes(MOST)
        except (EOFError, ConnectionResetError) as error:
            raise PipeClosedError from error
        size = int.from_bytes(message[:_HEAD], "big")
        body = json.loads(message[_HEAD : _HEAD + size])
        if not isinstance(body, dict) or not isinstance(body.get("word"), str):
            raise ValueError("no message")  # noqa: TRY004 - whatever came, it is not what was agreed
        rest = message[_HEAD + size :]
        return body, pa.ipc.open_stream(pa.py_buffer(rest)).read_all() if rest else None

    def close(self) -> None:
        """Close both ends."""
        self.incoming.close()
        self.outgoing.close()


def _packed(columns: pa.Table | None) -> bytes:
    if columns is None:
        return b""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, columns.schema) as writer:
        writer.write_table(columns)
    return bytes(sink.getvalue())
