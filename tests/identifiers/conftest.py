"""Run SQL expressions over lists of values, and make hostile text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest

Columns = Callable[..., list[Any]]


@pytest.fixture(scope="session")
def columnar() -> Columns:
    """Return a function that evaluates an expression over columns a, b, … in one query, in the order of the rows."""
    connection = duckdb.connect(config={"threads": 1})

    def evaluate(expression: str, *columns: Sequence[str | None]) -> list[Any]:
        names = "abc"[: len(columns)]
        table = pa.table({name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=True)})
        connection.register("given", table)
        return [row[0] for row in connection.sql(f"SELECT {expression} FROM given").fetchall()]

    return evaluate
