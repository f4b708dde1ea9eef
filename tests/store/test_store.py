"""The store: merges write only what differs, transactions are whole, a dry store forgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from unifier.errors import StoreError
from unifier.relations import Changes, Merge
from unifier.store import Store, open_store
from unifier.store.migrate import SCHEMA_VERSION
from unifier.tables import table

PLACE = table("place", "a place", "id INTEGER; name VARCHAR; changed_run INTEGER", "id")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a store with one small table of two rows, written by run 1."""
    opened = open_store(tmp_path / "store.duckdb")
    opened.create([PLACE])
    opened.con.execute("INSERT INTO place VALUES (1, 'a', 1), (2, 'b', 1)")
    yield opened
    opened.close()


def rows(store: Store) -> list[tuple[int, str, int]]:
    """Read the table in order."""
    return store.con.execute("SELECT * FROM place ORDER BY id").fetchall()


def test_a_merge_writes_only_what_differs(store: Store) -> None:
    """A change that changes nothing must stop here, or every later stage would do its work again."""
    store.fill("next_place", "SELECT * FROM (VALUES (1, 'a'), (2, 'c'), (3, 'd')) v (id, name)")
    changes = store.merge(Merge("place", "next_place", "", ("id",), ("id",)), 2)

    assert changes == Changes(inserted=1, updated=1, deleted=0)
    assert rows(store) == [(1, "a", 1), (2, "c", 2), (3, "d", 2)]


def test_a_merge_deletes_within_its_scope_only(store: Store) -> None:
    """What a run did not look at must not vanish because it is absent from what the run found."""
    store.fill("looked_at", "SELECT 1 AS id")
    store.fill("next_place", "SELECT 1 AS id, 'x' AS name WHERE false")
    changes = store.merge(Merge("place", "next_place", "looked_at", ("id",), ("id",)), 2)

    assert changes.deleted == 1
    assert rows(store) == [(2, "b", 1)]


def test_a_sealed_store_reaches_the_folders_it_was_given_only(store: Store, tmp_path: Path) -> None:
    """Whatever slips into a statement, it must not read the machine's files or write beside the targets."""
    (tmp_path / "bi").mkdir()
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    store.seal([tmp_path / "bi"])
    store.con.execute(f"ATTACH '{tmp_path}/bi/warehouse.duckdb' AS w")

    for statement in (f"FROM read_csv('{tmp_path}/secret.csv')", f"ATTACH '{tmp_path}/other.duckdb'", "INSTALL httpfs"):
        with pytest.raises(duckdb.PermissionException):
            store.con.execute(statement)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    """A stage is whole or it is not there."""
    with pytest.raises(RuntimeError), store.transaction():  # noqa: PT012 - the block is what must fail as a whole
        store.con.execute("DELETE FROM place")
        raise RuntimeError

    assert len(rows(store)) == 2


def test_numbering_counts_from_zero_inside_a_transaction(store: Store) -> None:
    """Row ids of uncommitted rows begin anywhere; numbers must be dense all the same."""
    with store.transaction():
        store.enumerate("many", "ordinal", "SELECT range AS n FROM range(300000)")

        assert store.one(
            "SELECT max(ordinal) - min(ordinal) + 1 = count(DISTINCT ordinal) AND min(ordinal) = 0 FROM many"
        )


def test_a_dry_store_forgets(tmp_path: Path) -> None:
    """`--dry-run` must leave the file as it was."""
    path = tmp_path / "store.duckdb"
    open_store(path).close()
    dry = open_store(path, dry=True)
    with dry.transaction():
        dry.create([PLACE])
    dry.close()

    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'place'").fetchone() == (0,)


def test_a_newer_store_is_refused_untouched(tmp_path: Path) -> None:
    """An old unifier that wrote into a newer store would destroy it quietly."""
    path = tmp_path / "store.duckdb"
    open_store(path).close()
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE store_meta SET value = '99' WHERE name = 'schema_version'")
    before = path.read_bytes()

    with pytest.raises(StoreError, match=rf"store version 99, this one knows {SCHEMA_VERSION}"):
        open_store(path)

    assert path.read_bytes() == before
