"""Extract reads every source in a process of its own: snapshots, queues, replays, and what a stop leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from stages.shops import Shop, source

from unifier.stages.extract import Manner
from unifier.store.held import discard, release


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Open a store."""
    opened = Shop(tmp_path)
    yield opened
    opened.store.close()


def listed(path: Path, *numbers: int, broken: tuple[object, ...] = ()) -> Path:
    """Write a complete list of people."""
    rows: list[object] = [
        {"record_id": f"p{number}", "observed_at": "2026-05-01T00:00:00Z", "name": f"人{number}"} for number in numbers
    ]
    path.write_text(json.dumps([*rows, *broken]), encoding="utf-8")
    return path


def test_what_a_snapshot_no_longer_lists_is_deleted_and_comes_back_with_it(shop: Shop, tmp_path: Path) -> None:
    """The same version of a record ends its tombstone: it was a gap in the list, not news."""
    file = listed(tmp_path / "list.json", *range(40))
    till = source("till", "list", file=str(file))
    shop.read(till)
    listed(file, *range(1, 40))
    (gone,) = shop.read(till)

    assert (gone.outcome, gone.vanished) == ("settled", 1)
    assert "p0" not in shop.people()
    assert shop.store.one("SELECT sum(vanished) FROM run_stream WHERE run_no = 2") == 1
    listed(file, *range(40))
    (back,) = shop.read(till)
    assert (back.vanished, len(shop.people())) == (0, 40)


def test_a_snapshot_that_comes_back_nearly_empty_is_held_until_somebody_decides(shop: Shop, tmp_path: Path) -> None:
    """A half-written list must not delete half the customers."""
    file = listed(tmp_path / "list.json", *range(40))
    till = source("till", "list", file=str(file))
    shop.read(till)
    listed(file, 1, 2)
    (held,) = shop.read(till)

    assert held.outcome == "held"
    assert "38 of 40 records are no longer listed, more than 5%" in held.error
    assert len(shop.people()) == 40
    with shop.store.transaction():
        discard(shop.store, 1)
    listed(file, *range(40))
    assert shop.read(till)[0].outcome == "settled"
    assert len(shop.people()) == 40

    listed(file, 1, 2)
    shop.read(till)
    with shop.store.transaction():
        release(shop.store, 1)
    shop.read()
    assert sorted(shop.people()) == ["p1", "p2"]


def test_how_much_may_vanish_is_a_setting_of_the_source(shop: Shop, tmp_path: Path) -> None:
    """A list of seasonal staff changes more than one of members."""
    file = listed(tmp_path / "list.json", *range(10))
    till = source("till", "list", file=str(file), settings={"max_vanish": 0.5})
    shop.read(till)
    listed(file, *range(5, 10))

    assert shop.read(till)[0].outcome == "settled"
    assert sorted(shop.people()) == ["p5", "p6", "p7", "p8", "p9"]


def test_a_refused_row_still_lists_its_record(shop: Shop, tmp_path: Path) -> None:
    """A wrong birthday is no reason to delete a member; and a row without an id may be anybody."""
    file = listed(tmp_path / "list.json", *range(40))
    till = source("till", "list", file=str(file))
    shop.read(till)
    bad = {"record_id": "p0", "observed_at": "2026-05-01T00:00:00Z", "gender": "?"}
    listed(file, *range(1, 40), broken=(bad,))
    assert shop.read(till)[0].vanished == 0

    listed(file, *range(2, 40), broken=({"observed_at": "2026-05-01T00:00:00Z"},))
    assert shop.read(till)[0].vanished == 0
    assert len(shop.people()) == 40


def messages(folder: Path, *names: str | None) -> Path:
    """Fill a queue."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        row = json.dumps({"id": f"m{number}", "name": name})
        (folder / f"{number}.json").write_text(row, encoding="utf-8")
    return folder


def test_what_a_queue_hands_out_is_kept_before_it_is_acknowledged(shop: Shop, tmp_path: Path) -> None:
    """The process dies right after the first acknowledgement: the messages are gone from the queue and not from us."""
    folder = messages(tmp_path / "queue", "王芳", "李强", "赵敏")
    (died,) = shop.read(source("till", "queue", folder=str(folder), die=True))

    assert (died.outcome, shop.people()) == ("failed", {})
    assert sorted(path.name for path in folder.iterdir()) == ["2.json"]
    (well,) = shop.read(source("till", "queue", folder=str(folder)))
    assert (well.outcome, well.read) == ("settled", 3)
    assert shop.people() == {"m0": "王芳", "m1": "李强", "m2": "赵敏"}
    assert shop.store.one("SELECT count(*) FROM inbox WHERE parsed_run IS NULL") == 0
    shop.read()
    assert shop.store.one("SELECT count(*) FROM inbox") == 0


def test_a_message_that_cannot_be_parsed_is_quarantined_and_not_asked_for_again(shop: Shop, tmp_path: Path) -> None:
    """It stays raw in quarantine; the queue is empty."""
    folder = messages(tmp_path / "queue", "王芳", None)
    shop.read(source("till", "queue", folder=str(folder)))

    assert shop.people() == {"m0": "王芳"}
    assert len(shop.refused()) == 1
    assert list(folder.iterdir()) == []
    assert shop.read(source("till", "queue", folder=str(folder)))[0].read == 0


ROWS = [{"id": "a", "name": "王芳"}, {"id": "b", "name": None}, {"id": "c", "name": "李强"}, {"name": "?"}]


def test_a_replay_reads_what_was_refused_with_the_plugin_as_it_is_now(shop: Shop) -> None:
    """The mended version takes one of the two rows; the other is refused anew, with the new reason."""
    shop.read(source("till", "pages", rows=ROWS))
    assert (sorted(shop.people()), len(shop.refused())) == (["a", "c"], 2)

    (report,) = shop.read(source("till", "pages", rows=[], version="2"), manner=Manner(replay=True))
    assert (report.read, report.landed, report.quarantined) == (2, 1, 1)
    assert shop.people() == {"a": "王芳", "b": None, "c": "李强"}
    assert len(shop.refused("replayed")) == 2
    (left,) = shop.refused()
    assert left.startswith("parse raised KeyError")


def test_a_source_that_dies_keeps_what_it_landed_and_goes_on_from_its_bookmark(shop: Shop) -> None:
    """Nothing is lost, and nothing is counted twice."""
    rows = [{"id": f"r{number}", "name": "王芳"} for number in range(6)]
    (died,) = shop.read(source("till", "pages", rows=rows, die_after=3))

    assert died.outcome == "failed"
    assert died.error.startswith("plugin till 1: its process left with exit code 3 before it had finished")
    assert sorted(shop.people()) == ["r0", "r1", "r2", "r3"]
    (well,) = shop.read(source("till", "pages", rows=rows))
    assert (well.outcome, well.read) == ("settled", 2)
    assert len(shop.people()) == 6
    assert shop.files() == 0


def test_payloads_of_refused_rows_are_forgotten_after_their_time_and_their_reasons_stay(shop: Shop) -> None:
    """A refused row is personal data that nobody has a use for after a while."""
    shop.read(source("till", "pages", rows=ROWS))
    shop.store.con.execute("UPDATE run SET started_at = started_at - INTERVAL 40 DAY")
    shop.read(manner=Manner(keep_refused=timedelta(days=60)))
    assert shop.store.one("SELECT count(*) FROM quarantine WHERE raw IS NOT NULL") == 2

    shop.read(manner=Manner(keep_refused=timedelta(days=30)))
    assert shop.store.one("SELECT count(*) FROM quarantine WHERE raw IS NOT NULL") == 0
    assert len(shop.refused("expired")) == 2


def test_unknown_fields_are_treated_as_the_source_says_and_profiled(shop: Shop, tmp_path: Path) -> None:
    """An operator decides about a new column of the source; the ledger shows it, whatever was decided."""
    rows = [{"record_id": f"p{at}", "observed_at": "2026-05-01T00:00:00Z", "vip": at} for at in range(20)]
    file = tmp_path / "list.json"
    file.write_text(json.dumps(rows), encoding="utf-8")

    plain = [source("till", "list", name=name, file=str(file)) for name in ("dropping", "keeping", "refusing")]
    told = [replace(one, settings={"unknown": how}) for one, how in zip(plain, ("drop", "keep"), strict=False)]
    reports = [shop.read(one)[0] for one in (*told, plain[2])]

    assert [(report.read, report.landed) for report in reports] == [(20, 20), (20, 20), (20, 0)]
    kept = shop.store.con.execute("SELECT x FROM profile WHERE x IS NOT NULL AND record_id = 'p7'").fetchall()
    assert [json.loads(x) for (x,) in kept] == [{"x_unknown": {"vip": 7}}]
    profile = "SELECT run_no, rows, filled, valid, types FROM field_profile WHERE field = 'vip' ORDER BY run_no"
    assert shop.store.con.execute(profile).fetchall() == [(run, 20, 20, 0, "integer") for run in (1, 2, 3)]
    ids = "SELECT filled, valid, distinct_estimate, types FROM field_profile WHERE field = 'record_id' AND run_no = 1"
    assert shop.store.con.execute(ids).fetchall() == [(20, 20, 20, "string")]
