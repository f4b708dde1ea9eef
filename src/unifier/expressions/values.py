"""Name the types of values in expressions."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Type(StrEnum):
    """The type of a value. MONEY is an INT of fen; a BIRTHDAY is text, YYYY-MM-DD or --MM-DD."""

    INT = "INT"
    MONEY = "MONEY"
    NUMBER = "NUMBER"
    TEXT = "TEXT"
    BIRTHDAY = "BIRTHDAY"
    BOOL = "BOOL"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    NULL = "NULL"

    @property
    def column(self) -> str:
        """DuckDB type of a column that holds it.

        >>> Type.MONEY.column
        'BIGINT'
        """
        return _COLUMNS[self]

    @property
    def family(self) -> str:
        """Word for all types it may be compared with: number, text, truth value, day or time."""
        return _FAMILIES[self]


_COLUMNS: Final = {
    Type.INT: "BIGINT",
    Type.MONEY: "BIGINT",
    Type.NUMBER: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.BIRTHDAY: "VARCHAR",
    Type.BOOL: "BOOLEAN",
    Type.DATE: "DATE",
    Type.TIMESTAMP: "TIMESTAMP",
    Type.NULL: "VARCHAR",
}
_FAMILIES: Final = {
    Type.INT: "number",
    Type.MONEY: "number",
    Type.NUMBER: "number",
    Type.TEXT: "text",
    Type.BIRTHDAY: "text",
    Type.BOOL: "truth value",
    Type.DATE: "day",
    Type.TIMESTAMP: "day",
    Type.NULL: "nothing",
}

WHOLE: Final = frozenset({Type.INT, Type.MONEY})
NUMERIC: Final = WHOLE | {Type.NUMBER}
TEXTUAL: Final = frozenset({Type.TEXT, Type.BIRTHDAY})
TEMPORAL: Final = frozenset({Type.DATE, Type.TIMESTAMP})
ORDERED: Final = NUMERIC | TEXTUAL | TEMPORAL
ANY: Final = ORDERED | {Type.BOOL}


def of_column(kind: str) -> Type:
    """Tell the type of a DuckDB column.

    >>> of_column("INTEGER"), of_column("VARCHAR")
    (<Type.INT: 'INT'>, <Type.TEXT: 'TEXT'>)
    """
    return {
        "VARCHAR": Type.TEXT,
        "BOOLEAN": Type.BOOL,
        "DOUBLE": Type.NUMBER,
        "DATE": Type.DATE,
        "TIMESTAMP": Type.TIMESTAMP,
    }.get(kind, Type.INT)


def joint(types: list[Type]) -> Type | None:
    """Tell the one type that several values have together; None if they do not go together.

    >>> joint([Type.INT, Type.NUMBER]), joint([Type.NULL, Type.TEXT]), joint([Type.TEXT, Type.INT])
    (<Type.NUMBER: 'NUMBER'>, <Type.TEXT: 'TEXT'>, None)
    """
    known = {kind for kind in types if kind is not Type.NULL}
    if not known:
        return Type.NULL
    if len(known) == 1:
        return known.pop()
    if known <= WHOLE:
        return Type.MONEY
    if known <= NUMERIC:
        return Type.NUMBER
    return Type.TEXT if known <= TEXTUAL else None
