"""Publish to a folder of Parquet files: new files are written beside the old ones, the manifest last.

Whoever reads by ``manifest.json`` sees run k or run k - 1. Files that no manifest names are removed at the next publish
but one, so that a reader who has just read the manifest finds what it names.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from unifier import Changes, Delta, Session, Target, TargetKind, hookimpl

unifier_api = 1
MANIFEST: Final = "manifest.json"
_ROWS: Final = 100_000
"""Rows in a batch on their way to a file."""


@hookimpl
def unifier_targets() -> list[TargetKind]:
    """Offer targets whose URL is ``parquet://FOLDER``, relative to the project."""
    return [TargetKind("parquet", opened)]


def opened(url: str, folder: Path) -> Target:
    """Open the target of a URL.

    >>> opened("parquet://lake/members", Path("shop")).path.as_posix()
    'shop/lake/members'
    """
    return ParquetFolder(folder / url.removeprefix("parquet://"))


@dataclass(frozen=True, slots=True)
class ParquetFolder:
    """A folder with a file for each table, and a manifest that names them."""

    path: Path

    @contextmanager
    def session(self, con: duckdb.DuckDBPyConnection, *, known: bool) -> Iterator[Session]:
        """Open the folder for one run; without the store's memory of it everything is written anew."""
        self.path.mkdir(parents=True, exist_ok=True)
        there = self.path / MANIFEST
        manifest = json.loads(there.read_text(encoding="utf-8")) if known and there.exists() else {}
        yield _Session(con, self.path, manifest)


@dataclass(frozen=True, slots=True)
class _Session:
    con: duckdb.DuckDBPyConnection
    folder: Path
    manifest: dict[str, Any]

    def last_run(self) -> int:
        """Tell the last run that the manifest names."""
        return int(self.manifest.get("run_no", 0))

    def write(self, deltas: Sequence[Delta]) -> dict[str, Changes]:
        """Write a new file for every table that changed, then the manifest, then remove what two manifests ago was."""
        files = dict(self.manifest.get("tables", {}))
        counts = {}
        for delta in deltas:
            name = delta.table.name
            old = self.folder / files[name]["file"] if name in files else None
            fresh = f"{name}.{secrets.token_hex(6)}.parquet"
            kept, inserted = self._write(delta, old, self.folder / fresh)
            before = files[name]["rows"] if name in files else 0
            counts[name] = Changes(inserted=inserted, deleted=before - kept)
            files[name] = {"file": fresh, "rows": kept + inserted}
        self._publish(files)
        return counts

    def _write(self, delta: Delta, old: Path | None, fresh: Path) -> tuple[int, int]:
        """Write the rows that stay and the new ones; return how many of each."""
        columns = ", ".join(f'"{one.name}"' for one in delta.table.columns)
        typed = ", ".join(f'CAST("{one.name}" AS {one.type}) AS "{one.name}"' for one in delta.table.columns)
        empty: pa.Table = self.con.execute(f"SELECT {typed} FROM (SELECT {_nulls(delta)}) WHERE false").to_arrow_table()
        kept = inserted = 0
        with pq.ParquetWriter(fresh, empty.schema, compression="zstd") as writer:
            if old is not None and delta.keys:
                kept = self._keep(delta, old, typed, writer)
            for rows in delta.rows:
                used = {name: value for name, value in delta.params.items() if f"${name}" in rows}
                reader = self.con.execute(f"SELECT {typed} FROM ({rows}) AS given({columns})", used)
                inserted += _written(reader.to_arrow_reader(_ROWS), writer)
        _sync(fresh)
        return kept, inserted

    def _keep(self, delta: Delta, old: Path, typed: str, writer: pq.ParquetWriter) -> int:
        """Copy the rows of the old file whose keys are not replaced."""
        with pq.ParquetFile(old) as file:
            known = set(file.schema_arrow.names)
            lacking = "".join(f', NULL AS "{one.name}"' for one in delta.table.columns if one.name not in known)
            same = " AND ".join(f'o."{name}" IS NOT DISTINCT FROM k."{name}"' for name in delta.key)
            reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(_ROWS))
            self.con.register("parquet_old", reader)
            try:
                found = self.con.execute(
                    f'SELECT {typed} FROM (SELECT o.*{lacking} FROM parquet_old o ANTI JOIN temp."{delta.keys}" k ON {same})'
                )
                return _written(found.to_arrow_reader(_ROWS), writer)
            finally:
                self.con.unregister("parquet_old")

    def _publish(self, files: dict[str, Any]) -> None:
        """Move the manifest into place, then remove files that neither it nor the one before names."""
        runs = pq.read_table(self.folder / files["runs"]["file"], columns=["run_no"])
        last = max(runs.column("run_no").to_pylist())
        before = [one["file"] for one in self.manifest.get("tables", {}).values()]
        body = {"run_no": last, "tables": files, "before": before}
        fresh = self.folder / f"{MANIFEST}.publishing"
        fresh.write_text(json.dumps(body, indent=1), encoding="utf-8")
        _sync(fresh)
        fresh.replace(self.folder / MANIFEST)
        named = {one["file"] for one in files.values()} | set(before)
        for path in self.folder.glob("*.parquet"):
            if path.name not in named:
                path.unlink()


def _nulls(delta: Delta) -> str:
    return ", ".join(f'NULL AS "{one.name}"' for one in delta.table.columns)


def _sync(path: Path) -> None:
    """Wait until a file is on the disk: the manifest must never name one that a power cut took."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(reader: pa.RecordBatchReader, writer: pq.ParquetWriter) -> int:
    count = 0
    for batch in reader:
        writer.write_batch(batch)
        count += batch.num_rows
    return count
