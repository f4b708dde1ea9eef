"""Open the store and run steps, merges and marks in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from unifier.errors import LedgerError, StoreError
from unifier.relations import Changes, Compute, Merge, Step, spent_after
from unifier.store.migrate import SCHEMA_VERSION, migrate, version_of
from unifier.tables import STORE, Table, literal, quoted

LEAST_MEMORY: Final = 1_400_000_000
MOST_MEMORY: Final = 2_400_000_000
MOST_ALONE: Final = 3_400_000_000
"""Bytes; the second where nothing but the engine takes memory, as when tags are computed and targets written."""
MEMORY_A_ROW: Final = 4
MEMORY_A_LANDED_ROW: Final = 60
"""Bytes. The engine's own estimate of what it holds: the process takes one or two gigabytes more."""
ROWS_A_BATCH: Final = 1_000_000
"""Rows handed out at a time: the engine does not hold a whole relation twice while it becomes columns."""


@dataclass(slots=True)
class Store:
    """An open store: one DuckDB connection and the rules of its transactions.

    ``dry`` turns every transaction into a part of one that is rolled back when the store is closed. ``memory`` is what
    the engine may use before it spills to disk; None lets it follow the size of the store, see :meth:`fit_memory`.
    """

    path: Path
    con: duckdb.DuckDBPyConnection
    dry: bool = False
    memory: str | None = None
    _depth: int = field(default=0)
    _limit: int = field(default=LEAST_MEMORY)
    _made: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Folder of the store."""
        return self.path.parent

    @property
    def landed(self) -> Path:
        """Folder of what has landed and is not settled."""
        return self.folder / "landing"

    @property
    def landing(self) -> Path:
        """Folder that batches are written to; that of a dry store is gone when it is closed."""
        return self.folder / "landing.dry" if self.dry else self.landed

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block does, or nothing of it."""
        if self.dry or self._depth:
            yield
            return
        self.con.execute("BEGIN")
        self._depth = 1
        try:
            yield
        except BaseException:
            self.con.execute("ROLLBACK")
            raise
        else:
            self.con.execute("COMMIT")
        finally:
            self._depth = 0

    def fit_memory(self, most: int = MOST_MEMORY) -> None:
        """Give the engine memory by what the store holds and what has landed, unless it was told how much: 1.4 GB to ``most``."""
        if self.memory is None:
            rows = int(self.one("SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables() WHERE NOT temporary"))
            landed = int(self.one("SELECT coalesce(sum(landed), 0) FROM batch WHERE state = 'landed'"))
            self._limit = min(LEAST_MEMORY + rows * MEMORY_A_ROW + landed * MEMORY_A_LANDED_ROW, most)
            self._bound(self._limit)

    @contextmanager
    def lean(self) -> Iterator[None]:
        """Let the engine keep little in memory while a block computes on columns of its own, unless it was told how much."""
        if self.memory is None and self._limit > LEAST_MEMORY:
            with suppress(duckdb.OutOfMemoryException):  # what it cannot write out, it keeps
                self._bound(LEAST_MEMORY)
            try:
                yield
            finally:
                self._bound(self._limit)
        else:
            yield

    def _bound(self, size: int) -> None:
        self.con.execute(f"SET memory_limit = '{size // 1_000_000}MB'")

    def seal(self, folders: Iterable[Path] = ()) -> None:
        """Let no statement from now on reach a file outside the store and ``folders``, nor load an extension.

        The settings are not locked: :meth:`fit_memory` follows the size of the store.
        """
        allowed = ", ".join(literal(f"{folder}{os.sep}") for folder in sorted({*map(str, folders)}))
        self.con.execute(f"SET allowed_directories = [{allowed}]")
        self.con.execute("SET enable_external_access = false")

    def create(self, tables: Iterable[Table]) -> None:
        """Create the tables that do not exist yet."""
        for table in tables:
            self.con.execute(table.ddl())

    def run(self, steps: Iterable[Step | Compute], keep: Iterable[str] | None = None) -> None:
        """Fill the temporary relation of each step in turn.

        With ``keep``, a relation is dropped when no later step reads it, unless ``keep`` names it: what nobody needs any
        more takes memory, and then disk, from what comes.
        """
        listed = tuple(steps)
        spent = spent_after(listed, keep) if keep is not None else {}
        for place, step in enumerate(listed):
            if isinstance(step, Compute):
                with self.lean():
                    self.bring(step.writes, step.run(*(self.arrow(name) for name in step.reads)))
                pa.default_memory_pool().release_unused()
            elif step.lazy:
                self.see(step.writes, step.sql, step.params)
            elif step.numbered:
                self.enumerate(step.writes, step.numbered, step.sql, step.params)
            else:
                self.fill(step.writes, step.sql, step.params)
            self.drop(*spent.get(place, ()))

    def clear(self) -> None:
        """Forget all temporary relations."""
        self.drop(*reversed(self._made))

    def enumerate(self, name: str, column: str, sql: str, params: dict[str, Any] | None = None) -> None:
        """Make a temporary relation whose ``column`` counts the rows from 0.

        Row ids are dense but start anywhere inside a transaction; a window function would cost a pass of its own.
        """
        rows = f"{name}_rows"
        self.drop(name)
        self.fill(rows, sql, params)
        first, last, count = self.con.execute(
            f"SELECT min(rowid), max(rowid), count(*) FROM {quoted(rows)}"
        ).fetchall()[0]
        if count and last - first + 1 != count:
            raise LedgerError(name, "row ids have holes", "report this with the version of DuckDB")
        self.see(name, f"SELECT *, (rowid - {first or 0})::INTEGER AS {quoted(column)} FROM {quoted(rows)}")

    def see(self, name: str, sql: str, params: dict[str, Any] | None = None) -> None:
        """Make a temporary view; a view cannot hold parameters, so they are written into it as literals."""
        for key, value in (params or {}).items():
            text = str(value) if isinstance(value, bool | int) else literal(str(value))
            sql = re.sub(rf"\${key}\b", lambda _, text=text: text, sql)  # type: ignore[misc]
        self._drop(name)
        self.con.execute(f"CREATE TEMP VIEW {quoted(name)} AS {sql}")
        self._made[name] = "VIEW"

    def fill(self, name: str, sql: str, params: dict[str, Any] | None = None) -> None:
        """Make a temporary table from a statement."""
        self.drop(name)
        used = {key: value for key, value in (params or {}).items() if re.search(rf"\${key}\b", sql)}
        self.con.execute(f"CREATE TEMP TABLE {quoted(name)} AS {sql}", used)
        self._made[name] = "TABLE"

    def bring(self, name: str, table: pa.Table) -> None:
        """Make a temporary table from an Arrow table."""
        self.con.register("brought", table)
        try:
            self.fill(name, "SELECT * FROM brought")
        finally:
            self.con.unregister("brought")

    def drop(self, *names: str) -> None:
        """Forget temporary relations."""
        for name in names:
            self._drop(name)
            self._drop(f"{name}_rows")

    def _drop(self, name: str) -> None:
        kind = self._made.pop(name, None)
        if kind:
            self.con.execute(f"DROP {kind} IF EXISTS temp.{quoted(name)}")

    def arrow(self, name: str) -> pa.Table:
        """Hand out a whole relation as columns."""
        columns: pa.Table = self._reader(name).read_all()
        return columns

    def pieces(self, name: str) -> Iterator[pa.Table]:
        """Hand out a relation as columns, a million rows at a time."""
        # All of it is read first: the connection that is read from may be asked something else in between.
        yield from (pa.Table.from_batches([batch]) for batch in list(self._reader(name)))

    def _reader(self, name: str) -> pa.RecordBatchReader:
        return self.con.sql(f"SELECT * FROM {quoted(name)}").to_arrow_reader(ROWS_A_BATCH)

    def one(self, sql: str, params: list[Any] | dict[str, Any] | None = None) -> Any:
        """Read a single value."""
        # All is fetched: a result that is not read to its end makes the connection refuse other work.
        rows = self.con.execute(sql, params or []).fetchall()
        return rows[0][0] if rows else None

    def count(self, name: str) -> int:
        """Count the rows of a relation."""
        return int(self.one(f"SELECT count(*) FROM {quoted(name)}"))

    def is_empty(self, name: str) -> bool:
        """Tell whether a relation has no row."""
        return self.one(f"SELECT 1 FROM {quoted(name)} LIMIT 1") is None

    def merge(self, merge: Merge, run_no: int) -> Changes:
        """Write the rows of a merge that differ; count them."""
        names = [name for name in self.columns(merge.table) if name != "changed_run"]
        target, source = quoted(merge.table), quoted(merge.source)
        listed = ", ".join(map(quoted, names))
        on = " AND ".join(f"o.{quoted(name)} = s.{quoted(name)}" for name in merge.key)
        differs = " OR ".join(
            f"o.{quoted(name)} IS DISTINCT FROM s.{quoted(name)}" for name in names if name not in merge.key
        )
        key = ", ".join(map(quoted, merge.key))
        within = (
            f"WHERE ({', '.join(map(quoted, merge.on))}) IN (SELECT {', '.join(map(quoted, merge.on))} FROM {quoted(merge.scope)})"
            if merge.scope
            else ""
        )
        self.fill("merge_old", f"SELECT {listed} FROM {target} {within}")
        if self.is_empty("merge_old"):
            self.con.execute(f"INSERT INTO {target} ({listed}, changed_run) SELECT {listed}, {run_no} FROM {source}")
            return Changes(inserted=self.count(merge.source))
        self.fill(
            "merge_write",
            f"SELECT s.*, o.{quoted(merge.key[0])} IS NOT NULL AS merge_known FROM {source} s LEFT JOIN merge_old o ON {on} "
            f"WHERE o.{quoted(merge.key[0])} IS NULL OR {differs or 'false'}",
        )
        self.fill("merge_drop", f"SELECT {key} FROM merge_old o WHERE NOT EXISTS (SELECT 1 FROM {source} s WHERE {on})")
        changes = Changes(
            inserted=self.one("SELECT count(*) FROM merge_write WHERE NOT merge_known"),
            updated=self.one("SELECT count(*) FROM merge_write WHERE merge_known"),
            deleted=self.count("merge_drop"),
        )
        if changes.updated or changes.deleted:
            self.con.execute(
                f"DELETE FROM {target} WHERE ({key}) IN "
                f"(SELECT {key} FROM merge_write WHERE merge_known UNION ALL SELECT {key} FROM merge_drop)"
            )
        self.con.execute(f"INSERT INTO {target} ({listed}, changed_run) SELECT {listed}, {run_no} FROM merge_write")
        self.drop("merge_old", "merge_write", "merge_drop")
        return changes

    def columns(self, name: str) -> list[str]:
        """List the columns of a relation."""
        return [row[0] for row in self.con.execute(f"DESCRIBE {quoted(name)}").fetchall()]

    def mark(self, reader: str) -> tuple[int, date | None, str | None]:
        """Tell how far a reader has come: last run it has seen, its day, the hash of its definitions."""
        rows = self.con.execute(
            "SELECT done_run, as_of, definition_hash FROM mark WHERE reader = ?", [reader]
        ).fetchall()
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else (0, None, None)

    def set_mark(self, reader: str, run_no: int, as_of: date | None = None, definition_hash: str | None = None) -> None:
        """Advance a mark."""
        self.con.execute("DELETE FROM mark WHERE reader = ?", [reader])
        self.con.execute("INSERT INTO mark VALUES (?, ?, ?, ?)", [reader, run_no, as_of, definition_hash])

    def close(self) -> None:
        """Close the file; a dry store forgets everything it did."""
        if self.dry:
            self.con.execute("ROLLBACK")
            shutil.rmtree(self.landing, ignore_errors=True)
        self.con.close()


def open_store(path: Path, *, memory: str | None = None, threads: int | None = None, dry: bool = False) -> Store:
    """Open or create a store, migrated if need be; raise StoreError if it is newer or not a store."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        migrate(path)
        con = duckdb.connect(str(path), config=_settings(path, memory or f"{LEAST_MEMORY // 1_000_000}MB", threads))
    except (duckdb.IOException, duckdb.SerializationException) as error:
        raise StoreError(
            str(path), f"it cannot be opened ({type(error).__name__})", "is it a store, and is the disk well?"
        ) from error
    con.execute("SET TimeZone = 'UTC'")
    store = Store(path, con, dry, memory)
    known = version_of(con)
    with store.transaction():
        store.create(STORE)  # a table that has come since is no new version
        if known is None:
            con.execute("INSERT INTO store_meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    shutil.rmtree(path.parent / "landing.dry", ignore_errors=True)
    if dry:
        con.execute("BEGIN")
    return store


@contextmanager
def read_only(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the store for questions only; raise StoreError when there is none."""
    if not path.exists():
        raise StoreError(str(path), "there is no store yet", "run `unifier run` first")
    con = duckdb.connect(str(path), read_only=True)
    try:
        yield con
    finally:
        con.close()


def _settings(path: Path, memory: str, threads: int | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "memory_limit": memory,
        "preserve_insertion_order": "false",
        "temp_directory": str(path.parent / "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "checkpoint_threshold": "512MB",
        "allocator_flush_threshold": "16MB",
        "allocator_background_threads": "true",
        "allocator_bulk_deallocation_flush_threshold": "64MB",
    }
    if threads:
        settings["threads"] = threads
    return settings
