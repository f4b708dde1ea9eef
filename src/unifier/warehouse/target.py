"""Say what a target is given and what it does with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from unifier.errors import UnifierError, WarehouseError
from unifier.offers.target import Delta, Session, Target
from unifier.redaction import told_safely

if TYPE_CHECKING:
    from unifier.warehouse.config import TargetConfig

__all__ = [
    "Delta",
    "Session",
    "Target",
    "open_target",
    "other_type",
    "own_folder",
    "parsed_url",
    "told_as_warehouse_errors",
]


def parsed_url(config: TargetConfig) -> URL:
    """Read the URL of a target, relative file paths made absolute; raise WarehouseError that does not repeat it."""
    try:
        url = make_url(config.url)
    except ArgumentError:
        mend = "write one like duckdb:///warehouse.duckdb"
        raise WarehouseError(f"target {config.name}", "its url cannot be read", mend) from None
    if url.get_backend_name() in {"duckdb", "sqlite"} and url.database and url.database != ":memory:":
        return url.set(database=str((config.folder / url.database).absolute()))
    return url


def own_folder(config: TargetConfig) -> Path | None:
    """Name the folder of a DuckDB file, which the store's own engine writes; other targets have none.

    A URL that cannot be read has none either: that is told when the target is opened, and stops no other.
    """
    with contextlib.suppress(WarehouseError):
        url = parsed_url(config)
        return _file(url).parent if url.get_backend_name() == "duckdb" else None
    return None


def open_target(config: TargetConfig) -> Target:
    """Make the target that a URL stands for: a plugin's, DuckDB's own way, or SQLAlchemy for everything else."""
    if config.opener is not None:
        return config.opener(config.url, config.folder)
    url = parsed_url(config)
    if url.get_backend_name() == "duckdb":
        from unifier.warehouse.duckdb_target import DuckDBTarget

        return DuckDBTarget(_file(url))
    from unifier.warehouse.sql_target import SqlTarget

    return SqlTarget(url)


def _file(url: URL) -> Path:
    return Path(url.database or "warehouse.duckdb").absolute()


@contextmanager
def told_as_warehouse_errors(config: TargetConfig) -> Iterator[None]:
    """Turn what drivers raise into a WarehouseError with the first line of the fault, without password or values."""
    try:
        yield
    except NoSuchModuleError as error:
        fault = "no driver knows this kind of url"
        raise WarehouseError(f"target {config.name}", fault, "install one, or correct the url") from error
    except ImportError as error:
        fault = f"its driver is not installed ({error.name})"
        mend = "install it, e.g. pip install 'unifier[postgresql]'"
        raise WarehouseError(f"target {config.name}", fault, mend) from error
    except _driver_errors() as error:
        mend = "mend it and run again: it will catch up"
        raise WarehouseError(f"target {config.name}", _fault(error, config), mend) from None
    except UnifierError:
        raise
    except Exception as error:
        if config.opener is None:
            raise
        fault = f"the plugin that writes it raised {told_safely(error)}"
        raise WarehouseError(f"target {config.name}", fault, "tell its author") from error


def other_type(table: str, column: str, there: str, here: str) -> WarehouseError:
    """Make the error for a published column whose type changed: types are never changed under a reader's feet."""
    fault = f"it is {there} in the target and {here} now"
    return WarehouseError(
        f"column {table}.{column}", fault, "give the tag another name, or drop the column in the target"
    )


def _driver_errors() -> tuple[type[Exception], ...]:
    """List what drivers raise; ADBC's only where it is installed."""
    known: tuple[type[Exception], ...] = (duckdb.Error, OSError, SQLAlchemyError)
    try:
        from adbc_driver_manager import Error
    except ImportError:
        return known
    return (*known, Error)


def _fault(error: BaseException, config: TargetConfig) -> str:
    """Say what a driver said, in one line, with the password and its written form blacked out."""
    cause = getattr(error, "orig", None) or error
    line = (str(cause).strip().splitlines() or [""])[0]
    url = parsed_url(config)
    for word in {str(url.password or ""), url.render_as_string(hide_password=False), config.url}:
        line = line.replace(word, "***") if word else line
    return f"{type(cause).__name__}: {line}"
