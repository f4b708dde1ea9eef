"""Write landed records to files that survive a power cut, and read them as one relation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs, ipc

ROWS_A_PIECE: Final = 8_192
"""A scan of Arrow runs one thread a piece: small ones keep all threads at work, and little of a file in memory."""


def batch_file(folder: Path, batch_no: int) -> Path:
    """Name the file of a batch."""
    return folder / f"{batch_no:09d}.arrow"


def write(path: Path, rows: pa.Table) -> None:
    """Write the rows and see them to the disk; the folder is made if need be."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        with ipc.new_file(file, rows.schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(rows, max_chunksize=ROWS_A_PIECE)
        file.flush()
        os.fsync(file.fileno())


def schema_of(path: Path) -> pa.Schema | None:
    """Read the schema at the head of a file, None if it is not one of ours."""
    try:
        with pa.memory_map(str(path)) as file, ipc.open_file(file) as reader:
            return reader.schema
    except (pa.ArrowInvalid, OSError):
        return None


def read(files: Sequence[Path], schema: pa.Schema) -> ds.Dataset:
    """Read files as one relation that an engine can scan as often as it likes."""
    form = ds.IpcFileFormat()
    disk = fs.LocalFileSystem()
    return _Frugal([form.make_fragment(str(file), disk) for file in files], schema, form)


class _Frugal(ds.FileSystemDataset):  # type: ignore[misc]  # pyarrow says no types
    """A dataset that reads little ahead: by default a slow scan had over a gigabyte of decoded pieces waiting."""

    def scanner(self, **asked: Any) -> ds.Scanner:
        """Scan as asked, one file and two pieces ahead."""
        return super().scanner(batch_readahead=2, fragment_readahead=1, **asked)
