"""Make the record table of every kind from its schema.

A record table holds the newest version of each record behind :data:`unifier.tables.SPINE`: a column for every scalar of
the kind, in its order. What has landed and is not settled yet lies in files, see
:func:`unifier.contract.arrow.landing_schema`.
"""

from __future__ import annotations

from typing import Final

from unifier.contract.kinds import ENVELOPE, Field, Nested, kind
from unifier.tables import SPINE, Column, Table, quoted, table
from unifier.words import FACTS, KINDS

MEMBERSHIP: Final = table(
    "membership",
    "a card of a profile",
    "record_no BIGINT; issuer VARCHAR; card_no VARCHAR; level VARCHAR; points BIGINT; joined_at TIMESTAMP; "
    "expires_at TIMESTAMP; store VARCHAR; changed_run INTEGER",
    "record_no, issuer, card_no",
)
EXPLODED: Final = ("order_line", "payment")
"""Kinds that may also come nested in an order; their ``record_id`` then is the order's, ``#`` and their own."""

_TYPES: Final = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
_FORMATS: Final = {"date-time": "TIMESTAMP", "date": "DATE"}


def column_type(field: Field) -> str:
    """Tell the DuckDB type of a scalar.

    >>> column_type(kind("order").fields[0])
    'TIMESTAMP'
    """
    return _FORMATS.get(field.format or "", _TYPES[field.type])


def record_table(name: str) -> Table:
    """Declare the table of the newest versions of a kind's records; unique by ``source_no, record_id``."""
    schema = kind(name)
    columns = [*SPINE, *_scalar_columns(name), *(Column(part.column, "VARCHAR") for part in schema.free)]
    if name in FACTS:
        columns.append(Column("node_no", "INTEGER"))
    if name == "profile":
        columns.append(Column("name_key", "VARCHAR"))
    if name == "order":
        columns.append(Column("derived", "BOOLEAN"))
    if name in EXPLODED:
        columns.append(Column("nested", "BOOLEAN"))
    columns.append(Column("x", "VARCHAR"))
    return Table(name, schema.description, tuple(columns), ("source_no", "record_id"))


def content_sql(name: str, prefix: str = "") -> str:
    """Write the expression that condenses a record's content to a UBIGINT: the last 8 bytes of an MD5, as little-endian.

    Everything counts but ``record_id`` and ``observed_at``. The columns are those of ``landing_schema``, behind
    ``prefix`` (such as ``"l."``); times are read as microseconds, so that the session's time zone plays no part.
    Two contents never give one text: values are parted by NUL, which no text holds, nulls are left out and stand as
    bits in front, lists begin with their length. MD5 is enough, and quick: the sum only ever tells two versions of one
    record apart, never one record from another.
    """
    schema = kind(name)
    columns = [(prefix + quoted(field.column), field) for field in schema.fields]
    texts = [_text(column, field) for column, field in columns]
    names = [column for column, _ in columns]
    for part in schema.nested:
        column = prefix + quoted(part.column)
        names.append(column)
        texts.append(column if part.free else _list_text(column, part))
    names.append(prefix + quoted("x"))
    texts.append(names[-1])
    deleted = f"coalesce({prefix}{quoted('deleted')}, false)::BIGINT"
    joined = ", ".join([f"{deleted} + {_null_bits(names)}", *texts])
    return f"(md5_number(concat_ws(chr(0), {joined})) >> 64)::UBIGINT"


def _null_bits(columns: list[str]) -> str:
    """Write an integer whose bit n tells whether the n-th column, counted from 1, is null."""
    return " + ".join(f"({column} IS NULL)::BIGINT * {2**at}" for at, column in enumerate(columns, start=1))


def _text(column: str, field: Field) -> str:
    """Write a scalar so that equal values have equal text in every session."""
    return f"epoch_us({column})" if column_type(field) == "TIMESTAMP" else column


def _list_text(column: str, part: Nested) -> str:
    """Write a list of objects as its length and its items, each with its own null bits."""
    names = [f"item.{quoted(field.column)}" for field in part.fields]
    texts = ", ".join(_text(name, field) for name, field in zip(names, part.fields, strict=True))
    item = f"concat_ws(chr(0), {_null_bits(names)}, {texts})"
    items = f"array_to_string(list_transform({column}, lambda item: {item}), chr(0))"
    return f"len({column}) || chr(0) || {items}"


def _scalar_columns(name: str) -> tuple[Column, ...]:
    """List the columns of a kind's own scalars."""
    return tuple(
        Column(field.column, column_type(field)) for field in kind(name).fields if field.column not in ENVELOPE
    )


RECORD_TABLES: Final[tuple[Table, ...]] = (*(record_table(name) for name in KINDS), MEMBERSHIP)
