"""Read contract-shaped Parquet and JSON lines, each file once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from unifier import Chunk, Connector, Stream, hookimpl
from unifier.errors import ConfigError, SourceError

ROWS_A_BATCH = 250_000
LINES_A_BATCH = 50_000


class Files(Connector):
    """Files in the shape of the contract, chosen by a glob."""

    name: ClassVar[str] = "files"
    config_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["path"],
        "additionalProperties": False,
        "properties": {
            "path": {
                "type": "string",
                "description": "Glob of files, relative to the project; .parquet, .jsonl or .ndjson.",
            }
        },
    }

    def streams(self) -> list[Stream]:
        """List one stream per kind: `streams` by kind, or `config` with `kind`."""
        if ("kind" in self.settings) == ("streams" in self.settings):
            raise ConfigError("files", "needs either kind or streams", "write kind: profile beside config")
        by_kind = self.settings.get("streams") or {self.settings["kind"]: self.config}
        return [Stream(kind, kind, partial(self._read, config["path"])) for kind, config in sorted(by_kind.items())]

    def _read(self, pattern: str, since: Mapping[str, str]) -> Iterator[Chunk]:
        for path in sorted(self.folder.glob(pattern)):
            part = path.relative_to(self.folder).as_posix()
            facts = path.stat()
            cursor = json.dumps({"size": facts.st_size, "mtime_ns": facts.st_mtime_ns})
            if since.get(part) != cursor:
                yield from _with_cursor(_chunks(path, part), part, cursor)


def _chunks(path: Path, part: str) -> Iterator[Chunk]:
    if path.suffix == ".parquet":
        return _parquet(path, part)
    if path.suffix in {".jsonl", ".ndjson"}:
        return _lines(path, part)
    raise SourceError(part, f"files that end in {path.suffix!r} cannot be read", "use .parquet, .jsonl or .ndjson")


def _with_cursor(chunks: Iterator[Chunk], part: str, cursor: str) -> Iterator[Chunk]:
    """Let the bookmark move with the last chunk of a file: a file half read is read again."""
    held: Chunk | None = None
    for chunk in chunks:
        if held is not None:
            yield held
        held = chunk
    if held is None:
        held = Chunk([], part=part, origin=part)
    yield Chunk(held.data, part=part, origin=held.origin, cursor=cursor, refused=held.refused)


def _parquet(path: Path, part: str) -> Iterator[Chunk]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_A_BATCH):
                yield Chunk(pa.Table.from_batches([batch]), part=part, origin=part)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            part, f"it is not readable Parquet ({type(error).__name__})", "deliver the file again, whole"
        ) from error


def _lines(path: Path, part: str) -> Iterator[Chunk]:
    records: list[Mapping[str, Any]] = []
    refused: list[tuple[int, str, str]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8"), parse_constant=_refuse)
                if not isinstance(record, dict):
                    raise ValueError("the line is not an object")  # noqa: TRY004, TRY301 - one place tells why
                records.append(record)
            except (ValueError, RecursionError) as error:
                refused.append((number, f"not JSON: {_told(error)}", line.decode("utf-8", "replace").rstrip("\n")))
            if len(records) + len(refused) >= LINES_A_BATCH:
                yield Chunk(records, part=part, origin=part, refused=refused)
                records, refused = [], []
    yield Chunk(records, part=part, origin=part, refused=refused)


def _told(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


@hookimpl
def unifier_connectors() -> list[type[Connector]]:
    """Offer the files connector."""
    return [Files]
