"""The conformance kit, applied to files of JSON lines and to Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unifier_files import Files

from unifier.testing import ConnectorTests

ROWS = [
    {"record_id": f"m{number}", "observed_at": f"2026-05-01T08:00:0{number}Z", "name": name}
    for number, name in enumerate(["王芳", "李强", "赵敏", "赵敬", "欧阳雪", "单颖"])
]


class TestLines(ConnectorTests):
    """Two files of JSON lines."""

    connector = Files
    settings: ClassVar[Mapping[str, Any]] = {"kind": "profile"}

    def system(self, folder: Path, closing: ExitStack) -> Mapping[str, Any]:
        """Write the files."""
        del closing
        for name, rows in (("1", ROWS[:3]), ("2", ROWS[3:])):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            os.utime(folder / f"{name}.jsonl", (1_767_225_600, 1_767_225_600))
        return {"path": "*.jsonl"}


@pytest.mark.skipif(not os.environ.get("UNIFIER_NIGHTLY"), reason="every night; by day the lines stand for both")
class TestParquet(ConnectorTests):
    """Two files of Parquet."""

    connector = Files
    settings: ClassVar[Mapping[str, Any]] = {"kind": "profile"}

    def system(self, folder: Path, closing: ExitStack) -> Mapping[str, Any]:
        """Write the files."""
        del closing
        for name, rows in (("1", ROWS[:3]), ("2", ROWS[3:])):
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
            os.utime(folder / f"{name}.parquet", (1_767_225_600, 1_767_225_600))
        return {"path": "*.parquet"}
