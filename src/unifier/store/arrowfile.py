"""Write a table of landed records to a file that survives a power cut."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import ipc

ROWS_A_PIECE: Final = 20_000
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
