"""Bring plain dicts to the contract: each is held against its JSON Schema, then all become columns.

Most records pass as they are. One that does not is brought to JSON (:mod:`unifier.contract.mending`) and tried once
more; what fails then is a fault.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from unifier.contract.check import FAULTS, Checked, checked
from unifier.contract.columns import columns_of
from unifier.contract.jsonable import Path, Unfit
from unifier.contract.kinds import kind
from unifier.contract.mending import Unknown, mended, pointer
from unifier.contract.raws import raw_text
from unifier.contract.seen import Seen

if TYPE_CHECKING:
    import duckdb
    import jsonschema_rs

_PIECE: Final = 1_000
"""Rows that are looked at closely together, where one of them cannot become columns."""


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    import jsonschema_rs

    return jsonschema_rs.validator_for(dict(kind(name).schema), validate_formats=False)


def from_dicts(
    con: duckdb.DuckDBPyConnection,
    rows: Sequence[Any],
    name: str,
    zone: str = "",
    unknown: Unknown = "quarantine",
) -> Checked:
    """Check dicts of a kind; ``len(rows) = valid + faults``, and reasons name fields, never values.

    Shapes and types are judged by the JSON Schema, row by row; formats, lengths and everything else by the
    vectorised checks that Arrow batches go through. A row of any other type is a fault. Fields that the contract does
    not have are treated as ``unknown`` says.
    """
    with _undisturbed():
        sifted = _Sifted(name, unknown)
        sifted.sift(rows)
        parted = checked(con, sifted.table(), name, zone)
        for fault in parted.faults.to_pylist():
            row_no = sifted.places[fault["row_no"]]
            sifted.faults.append({**fault, "row_no": row_no, "raw": raw_text(rows[row_no])})
        faults = sorted(sifted.faults, key=lambda fault: int(fault["row_no"]))
        return Checked(parted.valid, pa.Table.from_pylist(faults, FAULTS), sifted.seen)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the garbage collector out: it walks through every dict again and again, and there is nothing to collect."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(slots=True)
class _Sifted:
    """Rows that passed, with their places among all, and faults of those that did not."""

    name: str
    unknown: Unknown
    good: list[dict[str, Any]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)

    def sift(self, rows: Sequence[Any]) -> None:
        """Part the rows by the schema."""
        verdicts = _verdicts(_validator(self.name), rows)
        if all(verdicts):
            self.good, self.places = list(rows), list(range(len(rows)))
            return
        for row_no, (row, fine) in enumerate(zip(rows, verdicts, strict=True)):
            made = row if fine else self._tried(row_no, row)
            if made is not None:
                self.good.append(made)
                self.places.append(row_no)

    def table(self) -> pa.Table:
        """Make columns of what passed; rows that cannot become columns are found piece by piece, and tried again."""
        try:
            return columns_of(self.good, self.name)
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass
        good, places = self.good, self.places
        self.good, self.places = [], []
        starts = range(0, len(good), _PIECE)
        return pa.concat_tables([self._piece(good[at : at + _PIECE], places[at : at + _PIECE]) for at in starts])

    def _piece(self, rows: list[dict[str, Any]], places: list[int]) -> pa.Table:
        try:
            table = columns_of(rows, self.name)
        except (ValueError, TypeError, OverflowError, RecursionError):
            tried = [(self._tried(row_no, row), row_no) for row, row_no in zip(rows, places, strict=True)]
            rows = [row for row, _ in tried if row is not None]
            places = [row_no for row, row_no in tried if row is not None]
            table = columns_of(rows, self.name)
        self.good += rows
        self.places += places
        return table

    def _tried(self, row_no: int, row: Any) -> dict[str, Any] | None:
        """Bring a row to JSON and judge it again; None where it is a fault."""
        strangers: dict[Path, Any] = {}
        try:
            made = mended(row, self.name, self.unknown, strangers)
            _require_valid(made, self.name)
        except Unfit as unfit:
            self._refuse(row_no, row, unfit)
            return None
        except RecursionError:
            self._refuse(row_no, row, Unfit((), "depth", "is nested too deeply"))
            return None
        finally:
            self.seen.strangers(strangers)
        return made

    def _refuse(self, row_no: int, row: Any, unfit: Unfit) -> None:
        """Note a fault."""
        if unfit.rule == "type":
            self.seen.wrong(unfit.path, row)
        where = pointer(unfit.path)
        record_id = row.get("record_id") if isinstance(row, Mapping) else None
        fault = {"row_no": row_no, "pointer": where, "rule": unfit.rule, "raw": raw_text(row)}
        fault["record_id"] = record_id if _is_text(record_id) else None
        self.faults.append({**fault, "reason": f"{where or 'the record'} {unfit.reason}"})


def _is_text(value: Any) -> bool:
    """Tell whether a value is text that can be kept."""
    return type(value) is str and "\0" not in value and value.encode(errors="replace").decode() == value


def _verdicts(validator: jsonschema_rs.Validator, rows: Sequence[Any]) -> list[bool]:
    """Tell which rows keep the schema as they are; a row of types that the validator does not know does not."""
    try:
        return list(map(validator.is_valid, rows))
    except Exception:  # noqa: BLE001 - whatever the validator cannot take is a row to look at closely
        return [_is_valid(validator, row) for row in rows]


def _is_valid(validator: jsonschema_rs.Validator, row: Any) -> bool:
    try:
        return bool(validator.is_valid(row))
    except Exception:  # noqa: BLE001 - as above
        return False


def _require_valid(row: dict[str, Any], name: str) -> None:
    """Raise :class:`Unfit` with the first fault that the schema finds in a record of JSON's types."""
    error = next(iter(_validator(name).iter_errors(row)), None)
    if error is None:
        return
    path: Path = tuple(str(step) for step in error.instance_path)
    rule = str(list(error.schema_path)[-1]) if list(error.schema_path) else "schema"
    missing = getattr(error.kind, "property", None)
    if rule == "required" and missing is not None:
        path = (*path, str(missing))
    raise Unfit(path, rule, f"breaks the rule {rule!r} of the contract")
