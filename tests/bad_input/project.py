"""A small shop that tests run from outside, as an operator does: a folder, a command, an exit code, two streams of text."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import yaml
from cast import CAST, Person

from unifier.tables import quoted

AT: Final = "2026-05-01T08:00:00Z"
DAY: Final = "2026-06-30"
ENVIRONMENT: Final = {**os.environ, "UNIFIER_KEY": "a key of tests", "COLUMNS": "200"}
"""With a fixed key OneIDs of two projects can be compared."""

PASSING: Final = frozenset({"runs"})
"""Published tables that say when something was run, not what is true."""

CONFIG: Final[dict[str, Any]] = {
    "project": {"name": "shop", "timezone": "Asia/Shanghai", "currency": "CNY"},
    "extract": {"memory": "500MB", "threads": 1},
    "sources": {
        "crm": {"connector": "files", "config": {"path": "in/crm/*.jsonl"}, "kind": "profile"},
        "till": {"connector": "files", "config": {"path": "in/till/*.jsonl"}, "kind": "order"},
    },
    "tags": [{"name": "bought", "value": "count(sale.record_id)"}],
    "segments": [{"name": "buyers", "where": "bought > 0"}],
    "targets": {"warehouse": {"url": "duckdb:///warehouse.duckdb"}},
}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The report of ``run --json``: the last line of stdout."""
        told: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return told

    def source(self, name: str) -> dict[str, Any]:
        """What the report says of a source."""
        found: dict[str, Any] = next(each for each in self.report["sources"] if each["source"] == name)
        return found

    @property
    def names_nobody(self) -> bool:
        """Whether no phone, name or address of the cast stands in what was said."""
        said = self.out + self.err
        return not any(value in said for one in CAST for value in (one.phone, one.name, one.email or one.phone))


@dataclass(frozen=True, slots=True)
class Shop:
    """A project folder."""

    folder: Path

    @property
    def store(self) -> Path:
        """The store file."""
        return self.folder / ".unifier" / "store.duckdb"

    @property
    def warehouse(self) -> Path:
        """The published file."""
        return self.folder / "warehouse.duckdb"

    @property
    def config(self) -> dict[str, Any]:
        """The configuration."""
        data: dict[str, Any] = yaml.safe_load((self.folder / "unifier.yaml").read_text(encoding="utf-8"))
        return data

    def configure(self, **sections: Any) -> None:
        """Replace sections of the configuration."""
        text = yaml.safe_dump({**self.config, **sections}, allow_unicode=True, sort_keys=False)
        (self.folder / "unifier.yaml").write_text(text, encoding="utf-8")

    def add_source(self, name: str, kind: str, pattern: str, **settings: Any) -> Path:
        """Configure one more source of files; return its folder, made and empty."""
        source = {"connector": "files", "config": {"path": f"in/{name}/{pattern}"}, "kind": kind, **settings}
        self.configure(sources={**self.config["sources"], name: source})
        folder = self.folder / "in" / name
        folder.mkdir(parents=True)
        return folder

    def lines(self, name: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Write a JSON-lines file below the folder ``in``."""
        path = self.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), encoding="utf-8")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "unifier", "-p", str(self.folder), *words],
            env=ENVIRONMENT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, *words: str) -> Ran:
        """Run a command to its end."""
        return ended(self.start(*words))

    def run(self, *words: str) -> Ran:
        """Run the stages as of a fixed day, with a report in JSON."""
        return self.call("run", "--json", "--as-of", DAY, *words)

    def one_ids(self) -> dict[tuple[str, str, str], str]:
        """OneID of every profile and fact, by source, kind and record."""
        rows = query(self.warehouse, "SELECT source, kind, record_id, one_id FROM member_records")
        return {(source, kind, record): one_id for source, kind, record, one_id in rows}

    def published(self) -> dict[str, list[str]]:
        """All rows of all published tables, sorted, without the numbers of the runs that wrote them."""
        return {name: rows(self.warehouse, name, {"run_no"}) for name in tables(self.warehouse) if name not in PASSING}

    def counts(self) -> dict[str, int]:
        """Number of rows of every table of the store."""
        names = tables(self.store)
        return {name: query(self.store, f"SELECT count(*) FROM {quoted(name)}")[0][0] for name in names}


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for a command."""
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err)


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask a DuckDB file."""
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def execute(path: Path, sql: str) -> None:
    """Change a DuckDB file."""
    with duckdb.connect(str(path)) as con:
        con.execute(sql)


def tables(path: Path) -> list[str]:
    """Names of the tables of a DuckDB file."""
    return [row[0] for row in query(path, "SELECT table_name FROM duckdb_tables() ORDER BY 1")]


def rows(path: Path, name: str, without: set[str]) -> list[str]:
    """All rows of a table as sorted text, some columns left out."""
    columns = [row[0] for row in query(path, f"DESCRIBE {quoted(name)}")]
    listed = ", ".join(quoted(column) for column in columns if column not in without)
    return sorted(map(repr, query(path, f"SELECT {listed} FROM {quoted(name)}")))


def wait_until_held(shop: Shop, process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Wait until a run holds the lock of its store; fail when it ended before."""
    lock = shop.folder / ".unifier" / "lock"
    until = time.monotonic() + seconds
    while not (lock.exists() and lock.stat().st_size):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "the run never took its lock"
        time.sleep(0.005)


def wait_for_stage(shop: Shop, process: subprocess.Popen[str], stage: str) -> None:
    """Wait until ``run.json`` tells of a stage of this very process."""
    path = shop.folder / ".unifier" / "run.json"
    while process.poll() is None:
        facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if facts.get("pid") == process.pid and facts.get("stage") == stage:
            return
        time.sleep(0.005)
    raise AssertionError(ended(process))


def phone(value: str, **more: Any) -> dict[str, Any]:
    """Write a phone as an identifier of the contract."""
    return {"type": "phone", "value": value, **more}


def profile(one: Person, record_id: str, **more: Any) -> dict[str, Any]:
    """Write a profile of one of the cast."""
    identifiers = [phone(one.phone, verified=True)]
    return {"record_id": record_id, "observed_at": AT, "name": one.name, "identifiers": identifiers, **more}


def order(one: Person, record_id: str, **more: Any) -> dict[str, Any]:
    """Write a paid order of one of the cast."""
    identifiers = [phone(one.phone)]
    paid = {"ordered_at": AT, "paid_at": AT, "status": "paid", "amount": 12_900}
    return {"record_id": record_id, "observed_at": AT, "identifiers": identifiers, **paid, **more}


def open_shop(folder: Path, people: Sequence[Person] = CAST) -> Shop:
    """Make a shop with a profile and an order of everybody; nothing is run."""
    folder.mkdir(parents=True)
    (folder / "unifier.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False), encoding="utf-8")
    shop = Shop(folder)
    shop.lines("crm/1.jsonl", [profile(one, f"C{number}") for number, one in enumerate(people)])
    shop.lines("till/1.jsonl", [order(one, f"T{number}") for number, one in enumerate(people)])
    return shop


def copied(shop: Shop, folder: Path) -> Shop:
    """Copy a project with its store, its warehouse and the times of its files."""
    shutil.copytree(shop.folder, folder)
    return Shop(folder)
