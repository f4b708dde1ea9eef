"""Publish to a DuckDB file: a new file is made beside the old one and moved over it.

Open readers keep the file they opened; a kill at any point leaves the old file or the new one, never half of one. The
file of the run before stays as a spare: the next publish brings it up to date and swaps the two, so that nothing has
to be copied (see :mod:`unifier.warehouse.spare`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from unifier.relations import Changes
from unifier.tables import Table, literal, quoted
from unifier.warehouse import spare
from unifier.warehouse.target import Delta, Session, other_type

_ALIAS: Final = "unifier_target"


@dataclass(frozen=True, slots=True)
class DuckDBTarget:
    """A DuckDB file, made where there is none."""

    path: Path

    @contextmanager
    def session(self, con: duckdb.DuckDBPyConnection, *, known: bool) -> Iterator[Session]:
        """Attach a copy of the file, or an empty one when the store knows of none; leave no copy behind."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(self.path.name + ".publishing")
        self._clear()
        missed = self._prepare(fresh) if known and self.path.exists() else None
        con.execute(f"ATTACH {literal(str(fresh))} AS {_ALIAS}")
        try:
            yield _DuckDBSession(con, self.path, fresh, missed)
        finally:
            with contextlib.suppress(duckdb.Error):  # detached already when all went well
                con.execute(f"DETACH {_ALIAS}")
            self._clear()

    def _prepare(self, fresh: Path) -> pa.Table | None:
        """Put an earlier state of the target at ``fresh``; return the rows of ``runs`` that it has missed."""
        if spare.take(self.path, fresh):
            with contextlib.suppress(duckdb.Error):  # somebody writes the published file, or holds it otherwise
                return _later_runs(self.path, fresh)
        spare.copy(self.path, fresh)
        wal = _wal(self.path)
        if wal.exists():
            spare.copy(wal, _wal(fresh))
        return None

    def _clear(self) -> None:
        """Remove what a killed run left."""
        for path in self.path.parent.iterdir():
            if path.name.startswith(self.path.name + ".publishing"):
                path.unlink()


@dataclass(frozen=True, slots=True)
class _DuckDBSession:
    con: duckdb.DuckDBPyConnection
    path: Path
    fresh: Path
    missed: pa.Table | None

    def last_run(self) -> int:
        """Tell the last run in the copy."""
        if not self._columns("runs"):
            return 0
        return int(self.con.execute(f"SELECT coalesce(max(run_no), 0) FROM {_ALIAS}.runs").fetchall()[0][0])

    def write(self, deltas: Sequence[Delta]) -> dict[str, Changes]:
        """Replace the rows table by table, then move the file into place.

        Nobody sees the file before, and a file that was not finished is thrown away: so each table commits by itself, and
        what a transaction holds in memory does not grow with the number of tables.
        """
        with self._transaction():
            self._catch_up()
        counts = {}
        for delta in deltas:
            with self._transaction():
                counts[delta.table.name] = self._replace(delta)
        self.con.execute(f"CHECKPOINT {_ALIAS}")
        self.con.execute(f"DETACH {_ALIAS}")
        _sync(self.fresh)
        # A log of the old file would be replayed onto the new one; its content is in the copy already.
        _wal(self.path).unlink(missing_ok=True)
        with spare.keep(self.path):
            self.fresh.replace(self.path)
            _sync(self.path.parent)
        return counts

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.con.execute("BEGIN")
        try:
            yield
            self.con.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self.con.execute("ROLLBACK")
            raise

    def _catch_up(self) -> None:
        """Bring over the runs that were published while this file was the spare; their rows come with the deltas."""
        if self.missed is not None and self.missed.num_rows:
            self.con.register("missed_runs", self.missed)
            try:
                self.con.execute(f"INSERT INTO {_ALIAS}.main.runs BY NAME SELECT * FROM missed_runs")
            finally:
                self.con.unregister("missed_runs")

    def _columns(self, table: str) -> dict[str, str]:
        rows = self.con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = ? AND table_name = ?",
            [_ALIAS, table],
        ).fetchall()
        return dict(rows)

    def _replace(self, delta: Delta) -> Changes:
        self._define(delta.table)
        target = f"{_ALIAS}.main.{quoted(delta.table.name)}"
        key = ", ".join(map(quoted, delta.key))
        within = f" WHERE ({key}) IN (SELECT ({key}) FROM temp.{quoted(delta.keys)})" if delta.keys else ""
        if delta.keys and len(delta.key) == 1:
            within = f" WHERE {key} IN (SELECT {key} FROM temp.{quoted(delta.keys)})"
        deleted = self._count(f"DELETE FROM {target}{within}", {})
        listed = ", ".join(map(quoted, delta.table.names))
        inserted = 0
        for rows in delta.rows:
            used = {name: value for name, value in delta.params.items() if f"${name}" in rows}
            inserted += self._count(f"INSERT INTO {target} ({listed}) {rows}", used)
        return Changes(inserted=inserted, deleted=deleted)

    def _count(self, sql: str, params: dict[str, object]) -> int:
        rows = self.con.execute(sql, params).fetchall()
        return int(rows[0][0]) if rows else 0

    def _define(self, table: Table) -> None:
        """Create the table, or add the columns that it lacks."""
        known = self._columns(table.name)
        target = f"{_ALIAS}.main.{quoted(table.name)}"
        if not known:
            body = ", ".join(f"{quoted(column.name)} {column.type}" for column in table.columns)
            self.con.execute(f"CREATE TABLE {target} ({body})")
        for column in table.columns:
            if known.get(column.name, column.type) != column.type:
                raise other_type(table.name, column.name, known[column.name], column.type)
            if known and column.name not in known:
                self.con.execute(f"ALTER TABLE {target} ADD COLUMN {quoted(column.name)} {column.type}")


def _later_runs(path: Path, fresh: Path) -> pa.Table:
    with duckdb.connect(str(fresh), read_only=True) as con:
        row = con.execute("SELECT coalesce(max(run_no), 0) FROM runs").fetchone()
    with duckdb.connect(str(path), read_only=True) as con:
        later: pa.Table = con.sql(
            "SELECT * FROM runs WHERE run_no > $1", params=[row[0] if row else 0]
        ).to_arrow_table()
    return later


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _sync(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
