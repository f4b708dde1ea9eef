"""Publish to a database through SQLAlchemy; PostgreSQL is loaded by ADBC when its driver is installed.

Changed rows go to ``unifier_stage_*`` tables first, made anew by every run. Then one transaction deletes and inserts
in all published tables: a statement of a reader sees the run before or this one. Published tables are never
renamed or dropped, so that views and grants survive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateColumn

from unifier.relations import Changes
from unifier.tables import Column, Table, quoted
from unifier.warehouse.target import Delta, Session, other_type

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy.engine import URL, Connection

_BATCH: Final = 100_000
_TYPES: Final[dict[str, type[sa.types.TypeEngine[Any]]]] = {
    "VARCHAR": sa.Text,
    "BIGINT": sa.BigInteger,
    "DOUBLE": sa.Double,
    "BOOLEAN": sa.Boolean,
    "DATE": sa.Date,
    "TIMESTAMP": sa.DateTime,
}


@dataclass(frozen=True, slots=True)
class SqlTarget:
    """A database that SQLAlchemy has a driver for."""

    url: URL

    @contextmanager
    def session(self, con: duckdb.DuckDBPyConnection, *, known: bool) -> Iterator[Session]:  # noqa: ARG002 - it tells itself
        """Connect once for the whole run: when that connection dies, nothing that was staged before is applied."""
        url = self.url.set(drivername="postgresql+psycopg") if self.url.drivername == "postgresql" else self.url
        engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
        with ExitStack() as stack:
            connection = stack.enter_context(engine.connect())
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.rollback()
            yield _SqlSession(con, connection, _bulk(url, stack))


@dataclass(frozen=True, slots=True)
class _SqlSession:
    con: duckdb.DuckDBPyConnection
    connection: Connection
    bulk: Any = None
    """An ADBC connection to the same database, where there is a driver."""

    def last_run(self) -> int:
        """Tell the last run in ``runs``."""
        with self.connection.begin():
            if not sa.inspect(self.connection).has_table("runs"):
                return 0
            return int(self.connection.execute(sa.text("SELECT coalesce(max(run_no), 0) FROM runs")).scalar_one())

    def write(self, deltas: Sequence[Delta]) -> dict[str, Changes]:
        """Define, stage, apply, and remove the stages."""
        due = [delta for delta in deltas if not delta.keys or self._has_rows(delta.keys)]
        stages = sa.MetaData()
        with self.connection.begin():
            for delta in deltas:
                _define(self.connection, delta.table)
            for delta in due:
                _stage_tables(delta, stages)
            stages.drop_all(self.connection)
            stages.create_all(self.connection)
        for delta in due:
            for rows in delta.rows:
                used = {name: value for name, value in delta.params.items() if f"${name}" in rows}
                self._load(stages.tables[_stage(delta.table.name)], rows, used)
            if delta.keys:
                self._load(stages.tables[_keys(delta.table.name)], _distinct_keys(delta), {})
        with self.connection.begin():
            counts = {delta.table.name: self._apply(delta, stages) for delta in due}
        with self.connection.begin():
            stages.drop_all(self.connection)
        return {delta.table.name: counts.get(delta.table.name, Changes()) for delta in deltas}

    def _has_rows(self, name: str) -> bool:
        return self.con.execute(f"SELECT 1 FROM temp.{quoted(name)} LIMIT 1").fetchall() != []

    def _load(self, stage: sa.Table, sql: str, params: dict[str, Any]) -> None:
        """Stream rows of the store into a stage, in batches that bound the memory."""
        self.con.complete()  # a result that somebody read one row of would refuse the stream
        reader = self.con.sql(sql, params=params).to_arrow_reader(_BATCH)
        if self.bulk:
            with self.bulk.cursor() as cursor:
                cursor.adbc_ingest(stage.name, reader, mode="append")
            self.bulk.commit()
            return
        names = [column.name for column in stage.columns]
        statement = sa.insert(stage)
        for batch in reader:
            values = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            with self.connection.begin():
                self.connection.execute(statement, [dict(zip(names, row, strict=True)) for row in values])

    def _apply(self, delta: Delta, stages: sa.MetaData) -> Changes:
        target = _table(delta.table.name, delta.table.columns, sa.MetaData())
        stage = stages.tables[_stage(delta.table.name)]
        gone = sa.delete(target)
        if delta.keys:
            keys = stages.tables[_keys(delta.table.name)]
            here = [target.c[name] for name in delta.key]
            there = sa.select(*(keys.c[name] for name in delta.key))
            gone = gone.where(here[0].in_(there) if len(here) == 1 else sa.tuple_(*here).in_(there))
        deleted = self.connection.execute(gone).rowcount
        rows = sa.select(*(stage.c[name] for name in delta.table.names))
        inserted = self.connection.execute(sa.insert(target).from_select(delta.table.names, rows)).rowcount
        return Changes(inserted=inserted, deleted=deleted)


def _stage(name: str) -> str:
    return f"unifier_stage_{name}"


def _keys(name: str) -> str:
    return f"unifier_stage_{name}_keys"


def _table(name: str, columns: Sequence[Column], metadata: sa.MetaData) -> sa.Table:
    return sa.Table(name, metadata, *(sa.Column(column.name, _TYPES[column.type]()) for column in columns))


def _stage_tables(delta: Delta, metadata: sa.MetaData) -> None:
    """Declare the stage of the rows and, where rows are replaced by key, that of the keys."""
    _table(_stage(delta.table.name), delta.table.columns, metadata)
    if delta.keys:
        _table(_keys(delta.table.name), _key_columns(delta), metadata)


def _key_columns(delta: Delta) -> list[Column]:
    return [column for column in delta.table.columns if column.name in delta.key]


def _distinct_keys(delta: Delta) -> str:
    """Write the keys in the types of the table: COPY takes the bytes as they are."""
    listed = ", ".join(
        f"{quoted(column.name)}::{column.type} AS {quoted(column.name)}" for column in _key_columns(delta)
    )
    return f"SELECT DISTINCT {listed} FROM temp.{quoted(delta.keys)}"


def _define(connection: Connection, table: Table) -> None:
    """Create a published table, or add the columns that it lacks."""
    declared = _table(table.name, table.columns, sa.MetaData())
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name):
        declared.create(connection)
        return
    known = {column["name"]: column["type"] for column in inspector.get_columns(table.name)}
    for column in declared.columns:
        if column.name in known and _family(known[column.name]) != _family(column.type):
            raise other_type(table.name, column.name, str(known[column.name]), str(column.type))
        if column.name not in known:
            name = connection.dialect.identifier_preparer.quote(table.name)
            added = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {added}")


def _family(type_: sa.types.TypeEngine[Any]) -> str:
    """Tell types apart that would change values in silence; databases name the same type in many ways."""
    families = {
        "whole": (sa.Integer, sa.Boolean),
        "number": (sa.Numeric, sa.Float),
        "text": (sa.String,),
        "time": (sa.DateTime,),
        "day": (sa.Date,),
    }
    return next((name for name, types in families.items() if isinstance(type_, types)), "other")


def _bulk(url: URL, stack: ExitStack) -> Any:
    """Open an ADBC connection for PostgreSQL's COPY, if its driver is installed; else None."""
    if url.get_backend_name() != "postgresql" or not find_spec("adbc_driver_postgresql"):
        return None
    from adbc_driver_postgresql import dbapi

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return stack.enter_context(dbapi.connect(plain))
