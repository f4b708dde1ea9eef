"""Settling: only sources that have been read and judged."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow import ipc

from unifier.contract.check import FAULTS
from unifier.contract.records import from_dicts
from unifier.contract.tables import RECORD_TABLES
from unifier.errors import LedgerError
from unifier.identifiers import registry
from unifier.stages.extract import number
from unifier.store import Store, open_store
from unifier.store.landing import Arrival, Delivery, Places, enter, land, landed_file, sweep_orphans, write_batch
from unifier.store.rules import Rules
from unifier.store.settle import settle
from unifier.store.vanish import Whole, vanish

RULES = Rules(registry({}), {}, ("profile", "order"), b"secret")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Open a store in which two sources have landed a profile each."""
    opened = open_store(tmp_path / "store.duckdb", threads=1)
    opened.create(RECORD_TABLES)
    RULES.install(opened)
    with duckdb.connect() as checker:
        for name in ("crm", "till"):
            records = [{"record_id": "1", "observed_at": "2026-05-01T00:00:00Z", "name": "林晓"}]
            valid = from_dicts(checker, records, "profile")
            source_no = number(opened, name)
            land(opened, Arrival(source_no, "profile", "", "profile", "t", "0", "t", 1, valid.valid, valid.faults), 1)
    return opened


def states(store: Store) -> list[tuple[int, str]]:
    """Tell the state of each batch."""
    return store.con.execute("SELECT source_no, state FROM batch ORDER BY source_no").fetchall()


def test_a_source_that_is_still_read_is_not_settled(store: Store) -> None:
    """Its error budget is judged at its end: what has settled by then could not be held any more."""
    settle(store, 1, RULES, [1])

    assert states(store) == [(1, "settled"), (2, "landed")]
    assert store.con.execute("SELECT source_no FROM profile").fetchall() == [(1,)]
    assert store.con.execute("SELECT source_no, landed, new FROM run_stream").fetchall() == [(1, 1, 1)]
    settle(store, 1, RULES)
    assert states(store) == [(1, "settled"), (2, "settled")]


def test_files_of_batches_that_wait_are_kept_and_others_swept(store: Store) -> None:
    """A kill leaves files that nobody names; what waits, or is held, must survive every sweep."""
    orphan = landed_file(store, 99)
    orphan.write_bytes(b"half")
    settle(store, 1, RULES, [1])
    store.con.execute("UPDATE batch SET state = 'held' WHERE source_no = 2")
    sweep_orphans(store)

    assert [file.name for file in store.landed.iterdir()] == [landed_file(store, 2).name]


def test_a_batch_that_is_being_written_survives_a_settle_of_others(store: Store) -> None:
    """While one source is read, another is settled: a file that the ledger does not name yet is no orphan."""
    places, valid = Places(store), _one_profile()
    place = places.take("profile", 1)
    write_batch(store.landing, place, 2, "profile", valid)
    settle(store, 1, RULES, [1])
    enter(store, Delivery(place, 2, "profile", "", "profile", "t", "0", "t", 1, FAULTS.empty_table()), 1)
    settle(store, 1, RULES)

    assert store.con.execute("SELECT record_id FROM profile ORDER BY 1").fetchall() == [("1",), ("1",), ("9",)]


def test_tombstones_of_a_snapshot_take_no_place_that_another_source_was_given(store: Store) -> None:
    """A snapshot ends while another source writes a batch: both must land, under numbers of their own."""
    settle(store, 1, RULES)
    store.con.execute("UPDATE batch SET stream = 'list' WHERE source_no = 1")
    places = Places(store)
    given = places.take("profile", 5)
    seen = vanish(store, Whole(1, "list", "profile", 1.0), 2, places)
    write_batch(store.landing, given, 2, "profile", _one_profile())
    enter(store, Delivery(given, 2, "profile", "", "profile", "t", "0", "t", 1, FAULTS.empty_table()), 2)
    settle(store, 2, RULES)

    assert seen.gone == 1
    numbers = store.con.execute("SELECT batch_no, first_no, read FROM batch ORDER BY first_no").fetchall()
    assert len({number for number, _, _ in numbers}) == len(numbers) == 4
    assert all(first + read <= later for (_, first, read), (_, later, _) in pairwise(numbers))
    alive = store.con.execute("SELECT source_no, record_id FROM profile WHERE NOT deleted ORDER BY ALL").fetchall()
    assert alive == [(2, "1"), (2, "9")]


def _one_profile() -> pa.Table:
    """Check a profile that nobody has landed yet."""
    with duckdb.connect() as checker:
        return from_dicts(checker, [{"record_id": "9", "observed_at": "2026-05-01T00:00:00Z"}], "profile").valid


def test_a_batch_whose_file_is_gone_is_an_error_that_names_it(store: Store) -> None:
    """Records that the ledger counts as landed must not vanish without a word."""
    landed_file(store, 2).unlink()

    with pytest.raises(LedgerError, match=r"000000002\.arrow: a batch that landed is gone"):
        settle(store, 1, RULES)

    assert states(store) == [(1, "landed"), (2, "landed")]


def test_what_waits_in_an_older_store_is_brought_along(store: Store) -> None:
    """Version 2 kept landed and held records in tables: an upgrade must not lose a delivery that nobody has judged yet."""
    rows = {name: ipc.open_file(landed_file(store, no)).read_all() for no, name in ((1, "landing"), (2, "held"))}
    store.con.execute("UPDATE batch SET state = 'held' WHERE source_no = 2")
    for source_no, (name, table) in enumerate(rows.items(), 1):
        store.con.register("rows", table.drop_columns(["source_no"]))
        store.con.execute(f"CREATE TABLE {name}_profile_{source_no} AS SELECT *, 0::UBIGINT AS content FROM rows")
        store.con.unregister("rows")
    store.con.execute("UPDATE store_meta SET value = '2' WHERE name = 'schema_version'")
    store.close()
    shutil.rmtree(store.landed)

    migrated = open_store(store.path, threads=1)

    brought = {name: ipc.open_file(landed_file(migrated, no)).read_all() for no, name in ((1, "landing"), (2, "held"))}
    assert brought == rows
    left = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'landing%' OR table_name LIKE 'held%'"
    assert migrated.con.execute(left).fetchall() == []
    RULES.install(migrated)
    settle(migrated, 2, RULES)
    assert states(migrated) == [(1, "settled"), (2, "held")]
