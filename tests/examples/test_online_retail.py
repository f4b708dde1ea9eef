"""A year of a real gift wholesaler, through the real pipeline: known answers, and whole equals cut by cut.

In CI the year comes in ten cuts of a month; nightly runs (UNIFIER_NIGHTLY=1) take each of its 305 days of business by
itself, a run a day.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from properties.seeds import NIGHTLY

from unifier import app
from unifier.actions.run import RunReport, Wish, run

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail"
DATA = os.environ.get("UNIFIER_TEST_DATA")
DAYS_A_CUT = 1 if NIGHTLY else 31
CUTS = 305 if NIGHTLY else 10
END = date(2011, 12, 10)

pytestmark = [
    pytest.mark.public_data,
    pytest.mark.slow,
    pytest.mark.skipif(
        DATA is None,
        reason="UNIFIER_TEST_DATA is unset; it names a folder with uci_online_retail/online_retail_all.parquet: "
        "Online Retail, UCI Machine Learning Repository, https://doi.org/10.24432/C5BW33",
    ),
]

COMPARED = (
    "members",
    "member_identifiers",
    "member_records",
    "member_provenance",
    "member_tags",
    "segment_members",
    "orders",
    "order_lines",
    "refunds",
)
"""What a retailer reads: persons and OneIDs, golden records and their origin, tags, audiences, sales."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a folder that the tests of this module share: the year is run once in each way."""
    return tmp_path_factory.mktemp("online-retail")


def made(out: Path, *options: str) -> dict[str, Any]:
    """Run the example's script and return the counts it prints."""
    file = Path(str(DATA)) / "uci_online_retail" / "online_retail_all.parquet"
    command = [sys.executable, str(EXAMPLE / "make.py"), str(file), str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


def project(place: Path) -> Path:
    """Lay the example's configuration in a folder, with a key of its own: OneIDs follow from key and records."""
    (place / ".unifier").mkdir(parents=True)
    (place / ".unifier" / "key").write_text("a key of tests", encoding="ascii")
    shutil.copy(EXAMPLE / "unifier.yaml", place)
    return place


def ran(place: Path, as_of: date) -> RunReport:
    """Run a project and insist that nothing failed."""
    report = run(app.project(place), Wish(as_of=as_of), lambda _: None)
    assert report.exit_code == 0, [each.error for each in report.sources]
    return report


@pytest.fixture(scope="module")
def counts(folder: Path) -> dict[str, Any]:
    """Convert the year into one file per kind."""
    return made(folder / "whole" / "in")


@pytest.fixture(scope="module")
def whole(folder: Path, counts: dict[str, Any]) -> RunReport:
    """Run the whole year at once."""
    assert counts["days"] == 305
    return ran(project(folder / "whole"), END)


@pytest.fixture(scope="module")
def in_cuts(folder: Path) -> list[RunReport]:
    """Run the year cut by cut: the files of a few days arrive, a run follows, and so on to the end."""
    made(folder / "files", "--days", str(DAYS_A_CUT))
    place = project(folder / "cuts")
    starts = [date.fromisoformat(path.stem) for path in sorted((folder / "files" / "order").glob("*.parquet"))]
    reports = []
    for start, after in zip(starts, [*starts[1:], END], strict=True):
        for path in sorted((folder / "files").glob(f"*/{start}.parquet")):
            (place / "in" / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place / "in" / path.parent.name)
        reports.append(ran(place, after))
        if NIGHTLY and len(reports) % 50 == 0:
            print(f"{len(reports)} of {len(starts)} days have come")  # noqa: T201 - to be seen with -s in a long run
    return reports


def asked(place: Path, sql: str) -> tuple[Any, ...]:
    """Ask the published warehouse for one row."""
    with duckdb.connect(str(place / "warehouse.duckdb"), read_only=True) as con:
        row = con.execute(sql).fetchone()
    assert row is not None
    return tuple(row)


def test_the_script_counts_what_the_public_set_is_known_to_hold(counts: dict[str, Any]) -> None:
    """The counts are known from outside: a lost line would show here before anything is built on it."""
    assert counts == {
        "lines": 541_909,
        "invoices": 25_900,
        "customers": 4_372,
        "lines_without_customer": 135_080,
        "cancellation_lines": 9_288,
        "exact_duplicates": 5_268,
        "days": 305,
        "order_records": 25_900 - 3_836,
        "refund_records": 9_288,
        "profile_records": 4_388,
        "orders_below_zero": 2,
    }


def test_all_lands_but_two_bad_debts(folder: Path, whole: RunReport) -> None:
    """Nothing may be lost without a word: the two invoices below zero are quarantined, all else is in the warehouse."""
    (source,) = whole.sources
    lines = asked(folder / "whole", "SELECT count(*) FROM order_lines")
    refunds = asked(folder / "whole", "SELECT count(*), sum(amount) FROM refunds")

    assert (source.read, source.landed, source.quarantined) == (35_740, 35_738, 2)
    assert lines == (541_909 - 9_288 - 2,)
    assert refunds == (9_288, 89_681_249)


def test_each_customer_is_one_person_and_nobody_is_made_of_orders_without_one(folder: Path, whole: RunReport) -> None:
    """A quarter of the lines names nobody: they count as sales, but must not found or join a person."""
    assert whole.figures["persons"] == 4_372
    assert asked(folder / "whole", "SELECT count(*), count(one_id), sum(amount) FROM orders") == (
        22_062,
        18_536,
        1_066_668_454,
    )


def test_tags_add_up_to_the_sales_of_known_customers(folder: Path, whole: RunReport) -> None:
    """Each paid order of a customer is counted once: the sums are those of plain SQL over the public file."""
    assert whole.figures["audiences"] == 6
    assert asked(folder / "whole", "SELECT sum(orders_total), sum(spend_total) FROM member_tags") == (
        18_536,
        891_140_790,
    )
    assert asked(
        folder / "whole",
        "SELECT count(*) FILTER (segment = 'buyers'), count(*) FILTER (segment = 'cancellations_only') FROM segment_members",
    ) == (4_339, 33)


def test_cut_by_cut_nothing_is_read_twice(in_cuts: list[RunReport]) -> None:
    """A file that was read is not read again, however many runs follow."""
    read = [report.sources[0].read for report in in_cuts]

    assert len(read) == CUTS
    assert sum(read) == 35_740
    assert in_cuts[-1].figures["persons"] == 4_372


@pytest.mark.parametrize("table", COMPARED)
def test_cut_by_cut_gives_what_the_whole_gives(
    folder: Path, whole: RunReport, in_cuts: list[RunReport], table: str
) -> None:
    """Incremental equals full on real data: not one row, OneID, golden value, tag or sale differs."""
    assert whole.exit_code == in_cuts[-1].exit_code == 0
    with duckdb.connect() as con:
        for name in ("whole", "cuts"):
            con.execute(f"ATTACH '{folder / name / 'warehouse.duckdb'}' AS {name} (READ_ONLY)")
        missing = con.execute(f"FROM whole.{table} EXCEPT ALL FROM cuts.{table}").fetchall()
        surplus = con.execute(f"FROM cuts.{table} EXCEPT ALL FROM whole.{table}").fetchall()

    assert (missing[:5], surplus[:5]) == ([], [])
