"""Derive the hashed forms of a phone, so that sources that only have hashes can join.

A hash of a phone number is still personal data: all mainland numbers can be enumerated in minutes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import duckdb
import pyarrow as pa

from unifier.identifiers.sm3_block import sm3_column
from unifier.identifiers.sql import literal


def md5(text: str) -> str:
    """Return the lower-case hexadecimal MD5 digest of the text in UTF-8.

    >>> md5("13800138000")
    '7945bd83237335e5376ff44d62e4f0ae'
    """
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sha256(text: str) -> str:
    """Return the lower-case hexadecimal SHA-256 digest of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def sm3(text: str) -> str:
    """Return the lower-case hexadecimal SM3 digest of the text in UTF-8 (at most 55 bytes without OpenSSL's SM3)."""
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3", text.encode()).hexdigest()
    return str(sm3_column(pa.array([text]))[0].as_py())


def mix_mobile(phone: str, key: str) -> str:
    """Return the hash under which Tmall's member service passes a phone, with the brand's key.

    >>> mix_mobile("13800138000", "testky")
    '804249d5e8e3843fef304938b1ad1c17'
    """
    return md5(md5(f"tmall{phone}{key}"))


@dataclass(frozen=True, slots=True)
class Derivation:
    """Say how a value of one identifier type follows from a value of another.

    `sql` turns a column expression into an expression, or None where DuckDB has no such function; `column` does the
    same to an Arrow string array (null stays null). The SQL of `mix_mobile` contains the brand's key: never log it.
    """

    rule: str
    from_type: str
    to_type: str
    to_scope: str
    sql: Callable[[str], str | None]
    column: Callable[[pa.StringArray | pa.ChunkedArray[pa.StringScalar]], pa.StringArray]


def derivations(keys: Mapping[str, str]) -> tuple[Derivation, ...]:
    """Return what follows from a plain phone: md5, sha256, sm3, and a `mix_mobile` for each scope with a key."""
    plain = (
        Derivation("md5", "phone", "phone_md5", "", _md5_sql, partial(_column, _md5_sql)),
        Derivation("sha256", "phone", "phone_sha256", "", _sha256_sql, partial(_column, _sha256_sql)),
        Derivation("sm3", "phone", "phone_sm3", "", _no_sql, sm3_column),
    )
    mixed = tuple(
        Derivation(f"mix_mobile@{scope}", "phone", "mix_mobile", scope, sql, partial(_column, sql))
        for scope, sql in ((scope, partial(_mix_sql, key)) for scope, key in sorted(keys.items()))
    )
    return plain + mixed


def _md5_sql(expression: str) -> str:
    return f"md5({expression})"


def _sha256_sql(expression: str) -> str:
    return f"sha256({expression})"


def _mix_sql(key: str, expression: str) -> str:
    return f"md5(md5('tmall' || {expression} || {literal(key)}))"


def _no_sql(_: str) -> None:
    return None


def _column(sql: Callable[[str], str], texts: pa.StringArray | pa.ChunkedArray[pa.StringScalar]) -> pa.StringArray:
    table = pa.table({"text": texts})
    with duckdb.connect() as connection:
        connection.register("texts", table)
        hashed = connection.sql(f"SELECT {sql('text')} AS hash FROM texts").to_arrow_table()
    return cast("pa.StringArray", hashed.column("hash").combine_chunks().cast(pa.string()))
