"""A bad machine: full disks, targets that are down, readers, other runs, other versions, signals."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from bad_input.project import CONFIG, Ran, Shop, copied, ended, execute, order, query, wait_for_stage, wait_until_held
from cast import LI_QIANG, WANG_FANG


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system that holds a few megabytes; skip where that is not allowed."""
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid() or subprocess.run([mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", place]).returncode:  # noqa: PLW1510
        pytest.skip("a small tmpfs can be mounted by root only")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def stopped(shop: Shop) -> Iterator[tuple[Shop, subprocess.Popen[str]]]:
    """Stop a run while it holds the lock, so that others meet it; let it end afterwards."""
    process = shop.start("run", "--json")
    wait_for_stage(shop, process, "extract")
    process.send_signal(signal.SIGSTOP)
    yield shop, process
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        ended(process)


def test_a_full_disk_leaves_everything_as_it_was(ran: Shop, small_disk: Path) -> None:
    """Disks run full at night: the run says so, may be repeated, and readers never notice."""
    shop = copied(ran, small_disk / "shop")
    shop.lines("till/2.jsonl", [order(WANG_FANG, f"new {number}") for number in range(2000)])
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as handle:
        try:
            while True:
                handle.write(bytes(1 << 12))
        except OSError:
            pass

    full = shop.run()

    assert full.code in {1, 75}, full
    assert "Traceback" not in full.err
    assert full.names_nobody
    assert shop.published() == ran.published()

    ballast.unlink()
    again = shop.run()

    assert again.code == 0, again
    assert len(shop.published()["orders"]) == len(ran.published()["orders"]) + 2000
    assert {record: shop.one_ids().get(record) for record in ran.one_ids()} == ran.one_ids()


def test_a_target_that_is_down_stops_no_other_and_catches_up(shop: Shop) -> None:
    """Two warehouses, one in maintenance: the other is fresh, and nothing has to be done by hand afterwards."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        down = {"url": f"postgresql+psycopg://shop:s3cret@127.0.0.1:{port}/shop"}
        shop.configure(targets={**CONFIG["targets"], "reports": down})
        shop.lines("till/2.jsonl", [order(WANG_FANG, "new")])

        told = shop.run()

    assert told.code == 1, told
    by_name = {each["target"]: each for each in told.report["targets"]}
    assert by_name["warehouse"]["published"]
    assert not by_name["reports"]["published"]
    assert by_name["reports"]["error"].startswith("target reports: ")
    assert by_name["reports"]["error"].endswith(" — mend it and run again: it will catch up")
    assert "s3cret" not in told.out + told.err

    shop.configure(targets={**CONFIG["targets"], "reports": {"url": "duckdb:///reports.duckdb"}})
    again = shop.run()

    assert again.code == 0, again
    late = query(shop.folder / "reports.duckdb", "SELECT record_id, amount FROM orders ORDER BY 1")
    assert late == query(shop.warehouse, "SELECT record_id, amount FROM orders ORDER BY 1")
    assert ("new", 12_900) in late


def test_an_open_reader_keeps_what_it_sees_across_a_publish(shop: Shop) -> None:
    """A dashboard that holds the file open neither blocks a run nor sees half of one."""
    shop.lines("till/2.jsonl", [order(LI_QIANG, "new")])
    with duckdb.connect(str(shop.warehouse), read_only=True) as reader:
        before = reader.execute("SELECT count(*) FROM orders").fetchone()
        assert shop.run().code == 0
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == before

    assert before is not None
    assert query(shop.warehouse, "SELECT count(*) FROM orders") == [(before[0] + 1,)]


def test_a_second_run_is_told_who_holds_the_project(stopped: tuple[Shop, subprocess.Popen[str]]) -> None:
    """Two cron jobs overlap sooner or later: the second leaves with 75 and names the first."""
    shop, first = stopped

    second = shop.run()

    assert second.code == 75, second
    assert f"another run holds it (process {first.pid} on " in second.err
    assert second.err.rstrip().endswith(" — wait for it, or see `unifier status`")
    first.send_signal(signal.SIGCONT)
    assert ended(first).code == 0


def test_status_works_while_a_run_holds_the_store(stopped: tuple[Shop, subprocess.Popen[str]]) -> None:
    """The question is asked when a run takes long, that is, while it runs."""
    shop, first = stopped

    told = shop.call("status")

    assert told.code == 0, told
    assert told.out.startswith("run 2 as of ")
    assert "running, stage extract" in told.out
    assert f"process {first.pid}" in told.out


def test_questions_to_a_store_that_a_run_holds_say_try_later(stopped: tuple[Shop, subprocess.Popen[str]]) -> None:
    """`explain` cannot read while a run writes: that is nobody's fault, and passes."""
    shop, _ = stopped

    told = shop.call("explain", "crm/C0")

    assert told.code == 75, told
    assert told.err == "the store: a run holds it — wait for it, or see `unifier status`\n"


def test_a_newer_store_is_left_alone(shop: Shop) -> None:
    """An older unifier must not write into what it does not understand."""
    execute(shop.store, "UPDATE store_meta SET value = '99' WHERE name = 'schema_version'")
    before = shop.counts()

    told = shop.run()

    assert told.code == 3, told
    assert "it was written by a newer unifier (store version 99, this one knows " in told.err
    assert told.err.rstrip().endswith(" — upgrade unifier")
    assert shop.counts() == before


def test_an_older_store_is_migrated_on_a_copy(ran: Shop, shop: Shop) -> None:
    """Whoever upgrades can go back: the old file stays beside the new one, and nobody gets another OneID."""
    execute(
        shop.store, "UPDATE store_meta SET value = '1' WHERE name = 'schema_version'; DROP TABLE IF EXISTS person_end"
    )

    told = shop.run()

    assert told.code == 0, told
    assert query(shop.store.with_suffix(".v1"), "SELECT value FROM store_meta WHERE name = 'schema_version'") == [
        ("1",)
    ]
    assert shop.one_ids() == ran.one_ids()
    assert shop.counts()["person_end"] == 0


def test_a_file_that_is_no_store_is_not_touched(shop: Shop) -> None:
    """A file of that name that holds something else is somebody's data."""
    shop.store.write_bytes(b"somebody's notes" * 4096)

    told = shop.run()

    assert told.code == 3, told
    assert told.err.startswith(f"{shop.store}: it cannot be opened (")
    assert shop.store.read_bytes().startswith(b"somebody's notes")


def _signalled(shop: Shop, number: int, stage: str) -> Ran:
    shop.lines("till/2.jsonl", [order(WANG_FANG, f"new {count}") for count in range(500)])
    process = shop.start("run", "--json")
    if stage:
        wait_for_stage(shop, process, stage)
    else:
        wait_until_held(shop, process)
    process.send_signal(number)
    return ended(process)


@pytest.mark.parametrize("stage", ["", "extract", "unify", "publish"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_cleanly_and_the_next_goes_on(
    ran: Shop, shop: Shop, number: int, code: int, stage: str
) -> None:
    """Schedulers send SIGTERM, people press Ctrl-C: the exit code says so and nothing needs to be tidied up."""
    told = _signalled(shop, number, stage)

    assert told.code == code, told
    assert "what was committed stays, run again to go on" in told.err
    assert "Traceback" not in told.err
    assert told.names_nobody
    if stage == "extract":
        again = shop.run()
        assert again.code == 0, again
        assert len(shop.published()["orders"]) == len(ran.published()["orders"]) + 500
        assert {record: shop.one_ids().get(record) for record in ran.one_ids()} == ran.one_ids()
