"""Give warehouse tests a small hand-made store and, where there is one, a PostgreSQL server on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from warehouse.world import World, new_world

PASSWORD = "s3cret/w@rd"
"""Has signs that must be written differently inside a URL."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server of the tests: its folder, its port, and how to call its programs."""

    folder: Path
    port: int
    as_owner: tuple[str, ...]
    pg_ctl: str

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the server's database."""
        return f"postgresql://unifier:{PASSWORD.replace('/', '%2F').replace('@', '%40')}@127.0.0.1:{self.port}/postgres"

    def create(self, name: str) -> None:
        """Make an empty database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            connection.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy'.encode())

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._call("start", "-o", options, "-l", str(self.folder / "log"))

    def kill(self) -> None:
        """Stop the server as a power cut would."""
        self._call("stop", "-m", "immediate")

    def _call(self, *arguments: str) -> None:
        command = [*self.as_owner, self.pg_ctl, "-D", str(self.folder / "data"), "-w", *arguments]
        # The server keeps the pipes it inherits: give it none.
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give a store with a few people, their records and facts, as run 1 left it."""
    made = new_world(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Start PostgreSQL for the session, or skip, naming what is missing."""
    folder = Path(tempfile.mkdtemp(prefix="unifier-pg-"))
    try:
        server = _initialised(folder)
        server.start()
        yield server
        server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialised(folder: Path) -> Server:
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL's initdb and pg_ctl are neither on PATH nor in /usr/lib/postgresql/*/bin")
    as_owner: tuple[str, ...] = ()
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("running as root, and there is no user postgres to run PostgreSQL as")
        as_owner = ("runuser", "-u", "postgres", "--")
    word = folder / "password"
    word.write_text(PASSWORD, encoding="ascii")
    word.chmod(0o644)
    subprocess.run(
        [
            *as_owner,
            initdb,
            "-D",
            str(folder / "data"),
            "-U",
            "unifier",
            "-A",
            "scram-sha-256",
            f"--pwfile={word}",
            "-E",
            "UTF8",
            "--no-sync",
        ],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    return Server(folder, _free_port(), as_owner, pg_ctl)


def _program(name: str) -> str | None:
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(newest[-1]) if newest else None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
