"""Measure how fast records come in, as dicts and as Arrow batches: through the pipeline, and checked alone.

A connector of its own makes profiles with two identifiers and eight fields, one in a hundred bad. ``first`` fills an
empty store, ``same`` delivers all of it again, ``changed`` delivers it with one record in a hundred changed; each run is
a process of its own. ``check`` is ``from_dicts`` or ``check`` alone, ``profile`` the same with the profile of fields.
``README.md`` beside this file says what the figures mean.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from pipeline import THREADS, UNIFIER, Process, watched

from unifier import Connector, hookimpl
from unifier.contract.check import check
from unifier.contract.profile import Profile
from unifier.contract.records import from_dicts
from unifier.offers.connector import Stream

ROWS_A_PAGE: Final = 50_000
FORMS: Final = ("dicts", "arrow")
RUNS: Final = ("first", "same", "changed")
ALONE: Final = ("check", "profile")
_CITIES: Final = ("杭州", "宁波", "温州", "嘉兴", "湖州")


def page(start: int, size: int, changed: int) -> list[dict[str, Any]]:
    """Make some records; every hundredth is bad, and of the others every hundredth differs by ``changed``."""
    return [
        {
            "record_id": f"p{at}",
            "observed_at": f"2026-05-{at % 28 + 1:02d}T08:{at // 60 % 60:02d}:{at % 60:02d}Z",
            "name": f"林{at % 977}{changed if at % 100 == 1 else 0}",
            "gender": ("female" if at & 1 else "male") if at % 100 else 1 + at,
            "birthday": f"19{at % 90 + 10}-05-{at % 28 + 1:02d}",
            "province": "浙江",
            "city": _CITIES[at % 5],
            "postcode": "310000",
            "identifiers": [
                {"type": "phone", "value": f"199{at:08d}", "verified": True},
                {"type": "member_no", "scope": "mall", "value": f"M{at}"},
            ],
        }
        for at in range(start, start + size)
    ]


def columns(start: int, size: int, changed: int) -> pa.Table:
    """Make the same records as columns; a gender that is wrong is a word."""
    rows = [row | {"gender": str(row["gender"])} for row in page(start, size, changed)]
    return pa.Table.from_pylist(rows)


class Prepared(Connector):
    """Members made on the spot, or read from files of columns made before."""

    name = "prepared"
    config_schema = {"type": "object"}  # noqa: RUF012 - declared by the connector's class

    def streams(self) -> list[Stream]:
        """Offer one stream of profiles."""
        return [Stream("members", "profile", self.members)]

    def members(self, since: object) -> Iterator[Any]:
        """Yield page by page."""
        del since
        rows, changed = int(self.config["rows"]), int(self.config["changed"])
        for at in range(0, rows, ROWS_A_PAGE):
            if self.config["form"] == "dicts":
                yield page(at, min(ROWS_A_PAGE, rows - at), changed)
            else:
                with pa.memory_map(str(self.folder / f"{changed}-{at}.arrow")) as file:
                    yield pa.ipc.open_file(file).read_all()


@hookimpl
def unifier_connectors() -> list[type[Connector]]:
    """Offer the connector; this file is a plugin to itself."""
    return [Prepared]


def project(folder: Path, form: str, rows: int) -> None:
    """Make a project that reads from this file, and install this file as a plugin beside it."""
    info = folder / "site" / "prepared-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: prepared\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[unifier]\nprepared = records\n", encoding="utf-8")
    if form == "arrow":
        for at in range(0, rows, ROWS_A_PAGE):
            for changed in (0, 1):
                made = columns(at, min(ROWS_A_PAGE, rows - at), changed)
                path = str(folder / f"{changed}-{at}.arrow")
                with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, made.schema) as writer:
                    writer.write_table(made)


def configure(folder: Path, form: str, rows: int, changed: int) -> None:
    """Write what the next run delivers."""
    config = {"form": form, "rows": rows, "changed": changed}
    text = {
        "project": {"name": "records", "timezone": "Asia/Shanghai", "currency": "CNY"},
        "sources": {"members": {"connector": "prepared", "config": config}},
        "extract": {"threads": THREADS},
    }
    (folder / "unifier.yaml").write_text(json.dumps(text), encoding="utf-8")


def piped(form: str, rows: int) -> dict[str, Process]:
    """Run the three deliveries of one form through the pipeline."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project(folder, form, rows)
        path = os.pathsep.join([str(folder / "site"), str(Path(__file__).parent), *sys.path])
        seen = {}
        for run in RUNS:
            configure(folder, form, rows, changed=int(run == "changed"))
            os.environ["PYTHONPATH"] = path
            seen[run] = watched([*UNIFIER, "-p", name, "run", "extract", "--json"])
            source = json.loads(seen[run].stdout)["sources"][0]
            assert (source["read"], source["quarantined"]) == (rows, -(-rows // 100)), source
        return seen


def alone(form: str, way: str, rows: int) -> float:
    """Check pages of records in this process; returns seconds, making the pages not timed."""
    spent, profile = 0.0, Profile("profile")
    with duckdb.connect(config={"threads": 1}) as con:
        for at in range(0, rows, ROWS_A_PAGE):
            size = min(ROWS_A_PAGE, rows - at)
            made: Any = page(at, size, 0) if form == "dicts" else columns(at, size, 0)
            started = time.perf_counter()
            checked = from_dicts(con, made, "profile") if form == "dicts" else check(con, made, "profile")
            if way == "profile":
                profile.add(checked)
            spent += time.perf_counter() - started
    started = time.perf_counter()
    profile.table()
    return spent + time.perf_counter() - started


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="records")
    parser.add_argument("--repeat", type=int, default=3, help="the median of so many runs is told")
    parser.add_argument("--form", choices=FORMS, help="measure one form only")
    parser.add_argument("--alone", nargs=2, metavar=("FORM", "WAY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        form, way = options.alone
        print(alone(form, way, options.rows))
        return
    print(f"{options.rows:,} records, median of {options.repeat}\n")
    print(f"{'form':<8}{'way':<10}{'seconds':>10}{'rows/s':>14}{'peak MB':>9}")
    for form in [options.form] if options.form else FORMS:
        runs = [piped(form, options.rows) for _ in range(options.repeat)]
        for run in RUNS:
            tell(form, run, options.rows, [seen[run].seconds for seen in runs], [seen[run].peak for seen in runs])
        for way in ALONE:
            command = [sys.executable, __file__, "--rows", str(options.rows), "--alone", form, way]
            told = [watched(command) for _ in range(options.repeat)]
            tell(form, way, options.rows, [float(seen.stdout) for seen in told], [seen.peak for seen in told])


def tell(form: str, way: str, rows: int, seconds: list[float], peaks: list[int]) -> None:
    """Print one row of figures."""
    median = statistics.median(seconds)
    print(
        f"{form:<8}{way:<10}{median:>10.2f}{rows / median:>14,.0f}{statistics.median(peaks) / 1e6:>9,.0f}", flush=True
    )


if __name__ == "__main__":
    main()
