"""Write the files of a world: records by source and kind, the truth, and the project's config."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import yaml

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

Format = Literal["parquet", "jsonl"]
LAYOUT: Final[dict[str, tuple[str, ...]]] = {
    "crm": ("profile", "consent", "store", "guide", "campaign", "product"),
    "wechat_mp": ("profile", "event", "order"),
    "tmall": ("profile", "order", "refund"),
    "douyin": ("profile", "order"),
    "pos": ("order", "refund"),
    "wechat_oa": ("profile", "event"),
    "wecom": ("profile",),
    "sms": ("consent", "event"),
}
"""Kinds of each source, sources by trust."""

TRUST: Final = ("crm", "wechat_mp", "tmall", "douyin", "pos", "wechat_oa", "wecom", "sms")


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as a compressed Parquet file; dictionary columns come back as plain strings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=1,
        use_dictionary=_repetitive(table.schema),
        store_schema=False,
        write_statistics=False,
    )


NESTED_WORDS: Final = {
    "identifiers": ("type", "scope", "role"),
    "memberships": ("issuer", "level", "store"),
    "lines": ("line_id", "product_id", "name", "category", "brand", "quantity"),
    "payments": ("method",),
}
STRUCT_WORDS: Final = {
    "acquired": ("scene", "store", "guide", "campaign"),
    "object": ("type", "id"),
    "external": ("issuer",),
}
PLAIN_WORDS: Final = ("source", "kind", "cause")


def _repetitive(schema: pa.Schema) -> Any:
    """List the Parquet paths of columns with few distinct values; the others are not worth a dictionary."""
    paths = [column.name for column in schema if pa.types.is_dictionary(column.type) or column.name in PLAIN_WORDS]
    for name in set(NESTED_WORDS) & set(schema.names):
        paths += [f"{name}.list.element.{leaf}" for leaf in NESTED_WORDS[name]]
    for name in set(STRUCT_WORDS) & set(schema.names):
        paths += [f"{name}.{leaf}" for leaf in STRUCT_WORDS[name]]
    return paths


def _json_ready(value: Any) -> Any:
    """Leave nulls out and write instants with their offset."""
    if isinstance(value, Mapping):
        return {name: _json_ready(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_json_ready(entry) for entry in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def write_jsonl(table: pa.Table, path: Path) -> None:
    """Write a table as one JSON object per line; for worlds of thousands, not millions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for row in table.to_pylist():
            out.write(json.dumps(_json_ready(row), ensure_ascii=False) + "\n")


def write_part(table: pa.Table, out: Path, stream: tuple[str, str], part: str, fmt: Format) -> int:
    """Write one file of a stream (source, kind) and tell its rows."""
    path = out / stream[0] / stream[1] / f"part-{part}.{fmt}"
    (write_parquet if fmt == "parquet" else write_jsonl)(table, path)
    return int(table.num_rows)


def clear(out: Path) -> None:
    """Remove the parts of an earlier world from a folder, so that two worlds never mix."""
    for source, kinds in LAYOUT.items():
        for kind in kinds:
            for path in sorted((out / source / kind).glob("part-*.*")):
                path.unlink()


@dataclass(slots=True)
class TruthWriter:
    """Append each chunk's truth to one file per table, in the order of the chunks; use it in a `with` block."""

    folder: Path
    csv: bool
    _open: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.csv:
            (self.folder / "entity.csv").unlink(missing_ok=True)
        return self

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Append one chunk's tables by name."""
        for name, table in tables.items():
            self._writer(f"{name}.parquet", table).write_table(table)
            if self.csv and name == "entity":
                self._writer(f"{name}.csv", table).write_table(table)

    def _writer(self, name: str, table: pa.Table) -> Any:
        if name not in self._open:
            path = self.folder / name
            self._open[name] = (
                pacsv.CSVWriter(path, table.schema)
                if path.suffix == ".csv"
                else pq.ParquetWriter(
                    path,
                    table.schema,
                    compression="zstd",
                    use_dictionary=_repetitive(table.schema),
                    store_schema=False,
                )
            )
        return self._open[name]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._open.values():
            writer.close()


def write_config(out: Path, fmt: Format = "parquet") -> Path:
    """Write `unifier.yaml` beside the data, naming every stream of every source; returns its path."""
    out.mkdir(parents=True, exist_ok=True)
    config = {
        "project": {"name": "demo", "timezone": "Asia/Shanghai", "currency": "CNY", "store": ".unifier"},
        "include": ["tags/*.yaml", "segments/*.yaml"],
        "sources": {
            source: {
                "connector": "files",
                "streams": {kind: {"path": f"{source}/{kind}/*.{fmt}"} for kind in kinds},
            }
            for source, kinds in LAYOUT.items()
        },
        "identity": {"keys": {"brand1": "testky"}},
        "golden": {"trust": list(TRUST)},
        "targets": {"warehouse": {"url": "duckdb:///warehouse.duckdb"}},
    }
    path = out / "unifier.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up rows by stream."""
    sums: dict[str, int] = {}
    for count in counts:
        for stream, rows in count.items():
            sums[stream] = sums.get(stream, 0) + rows
    return dict(sorted(sums.items()))
