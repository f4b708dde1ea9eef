"""The connector alone: which files it reads, in which order, how often, and what it says of bad ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unifier_files import Files, unifier_connectors

from unifier import Chunk
from unifier.errors import SourceError

AT = "2026-05-01T08:00:00Z"


def _record(name: str) -> dict[str, Any]:
    return {"record_id": name, "observed_at": AT}


def _jsonl(path: Path, *names: str) -> None:
    path.write_text("".join(json.dumps(_record(name)) + "\n" for name in names), encoding="utf-8")


def _parquet(path: Path, *names: str) -> None:
    pq.write_table(pa.Table.from_pylist([_record(name) for name in names]), path)


def _read(folder: Path, pattern: str, since: dict[str, str] | None = None) -> list[Chunk]:
    (stream,) = Files({"path": pattern}, folder, {"kind": "profile"}).streams()
    return list(stream.read(since or {}))


def _ids(chunks: list[Chunk]) -> list[str]:
    ids: list[str] = []
    for chunk in chunks:
        records = chunk.data.to_pylist() if isinstance(chunk.data, pa.Table) else chunk.data
        ids += [record["record_id"] for record in records]
    return ids


def _cursors(chunks: list[Chunk]) -> dict[str, str]:
    return {chunk.part: chunk.cursor for chunk in chunks if chunk.cursor is not None}


def test_the_plugin_offers_one_connector() -> None:
    """A configuration names it `files`."""
    assert unifier_connectors() == [Files]
    assert Files.name == "files"


def test_one_kind_is_one_stream(tmp_path: Path) -> None:
    """The short form of a configuration: config and kind."""
    streams = Files({"path": "*"}, tmp_path, {"kind": "order"}).streams()

    assert [(stream.name, stream.kind) for stream in streams] == [("order", "order")]


def test_streams_come_in_the_order_of_their_kinds(tmp_path: Path) -> None:
    """The order in a file must not change the order of arrival."""
    settings = {"streams": {"profile": {"path": "p"}, "order": {"path": "o"}}}

    assert [stream.kind for stream in Files({}, tmp_path, settings).streams()] == ["order", "profile"]


@pytest.mark.parametrize(("write", "suffix"), [(_jsonl, ".jsonl"), (_jsonl, ".ndjson"), (_parquet, ".parquet")])
def test_files_are_read_in_the_order_of_their_names(tmp_path: Path, write: Any, suffix: str) -> None:
    """Deliveries are named by day: yesterday's must come before today's."""
    write(tmp_path / f"2{suffix}", "C", "D")
    write(tmp_path / f"1{suffix}", "A", "B")

    chunks = _read(tmp_path, f"*{suffix}")

    assert _ids(chunks) == ["A", "B", "C", "D"]
    assert [chunk.part for chunk in chunks] == [f"1{suffix}", f"2{suffix}"]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """A folder of a year is not read again every night."""
    _jsonl(tmp_path / "1.jsonl", "A")
    cursors = _cursors(_read(tmp_path, "*.jsonl"))
    _jsonl(tmp_path / "2.jsonl", "B")

    assert _ids(_read(tmp_path, "*.jsonl", cursors)) == ["B"]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    """A source that rewrites its file has something new to say."""
    path = tmp_path / "1.jsonl"
    _jsonl(path, "A")
    cursors = _cursors(_read(tmp_path, "*.jsonl"))
    facts = path.stat()
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))

    assert _ids(_read(tmp_path, "*.jsonl", cursors)) == ["A"]


def test_the_bookmark_moves_with_the_last_chunk_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed in the middle of a file must read it again, or the rest is lost."""
    monkeypatch.setattr("unifier_files.LINES_A_BATCH", 2)
    _jsonl(tmp_path / "1.jsonl", "A", "B", "C", "D", "E")

    chunks = _read(tmp_path, "*.jsonl")

    assert _ids(chunks) == ["A", "B", "C", "D", "E"]
    assert [chunk.cursor is not None for chunk in chunks] == [False, False, True]


def test_an_empty_file_of_lines_is_read_and_remembered(tmp_path: Path) -> None:
    """A quiet day is a delivery too."""
    (tmp_path / "1.jsonl").touch()

    chunks = _read(tmp_path, "*.jsonl")

    assert _ids(chunks) == []
    assert list(_cursors(chunks)) == ["1.jsonl"]


@pytest.mark.parametrize("size", [0, 3, 100])
def test_a_parquet_file_that_is_not_whole_is_named(tmp_path: Path, size: int) -> None:
    """Uploads break off; the message says which file, so that it can be sent again."""
    path = tmp_path / "1.parquet"
    _parquet(path, "A")
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(
        SourceError, match=r"^1\.parquet: it is not readable Parquet .* — deliver the file again, whole$"
    ):
        _read(tmp_path, "*.parquet")


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    """A glob that is too wide is a fault of the configuration, and says what may be read."""
    (tmp_path / "1.csv").write_text("record_id\nA\n", encoding="utf-8")

    with pytest.raises(SourceError, match=r"^1\.csv: .*'\.csv' cannot be read — use \.parquet, \.jsonl or \.ndjson$"):
        _read(tmp_path, "*")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"record_id": "B",,}', "not JSON: "),
        (b'["B"]', "not JSON: "),
        (b'{"amount": NaN}', "not JSON: "),
        (b'{"name": "\xff"}', "not JSON: "),
        (b"[" * 100_000, "not JSON: "),
    ],
    ids=["broken", "no object", "NaN", "no UTF-8", "too deep"],
)
def test_a_bad_line_is_refused_with_its_number_and_the_others_are_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    """One bad line costs one record; its number is what the author of the file needs."""
    good = json.dumps(_record("A")).encode()
    (tmp_path / "1.jsonl").write_bytes(good + b"\n\n" + line + b"\n" + good.replace(b"A", b"C") + b"\n")

    (chunk,) = _read(tmp_path, "*.jsonl")

    assert _ids([chunk]) == ["A", "C"]
    assert [(number, why.startswith(reason)) for number, why, _ in chunk.refused] == [(3, True)]


def test_a_reason_does_not_repeat_the_line(tmp_path: Path) -> None:
    """Reasons are shown to whoever looks; the raw line stays in the store."""
    (tmp_path / "1.jsonl").write_text('{"phone": "19900000001",,}\n', encoding="utf-8")

    (chunk,) = _read(tmp_path, "*.jsonl")

    assert [("19900000001" in why, "19900000001" in raw) for _, why, raw in chunk.refused] == [(False, True)]
