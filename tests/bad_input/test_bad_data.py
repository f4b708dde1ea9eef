"""Bad data: every way in which a file can be wrong is named, harms no other source, and loses nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_input.project import AT, Ran, Shop, copied, profile, query
from cast import LI_QIANG, WANG_FANG

EXACT: Final = 2**53 + 1
"""The first integer that a double cannot hold."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A bad delivery: its kind of record, its file and how to write it, and the settings of its source."""

    kind: str
    file: str
    write: Callable[[Path], object]
    timezone: str = ""


def _parquet(path: Path, columns: dict[str, Any]) -> None:
    size = max(len(column) for column in columns.values())
    at = pa.array([AT] * size)
    pq.write_table(pa.table({"record_id": [f"R{row}" for row in range(size)], "observed_at": at, **columns}), path)


def _truncated(path: Path) -> None:
    _parquet(path, {"name": [WANG_FANG.name] * 1000})
    path.write_bytes(path.read_bytes()[:-40])


def _no_rows(path: Path) -> None:
    empty = pa.array([], pa.string())
    pq.write_table(pa.table({"record_id": empty, "observed_at": empty, "identifiers": pa.array([], pa.null())}), path)


def _orders(amounts: Sequence[object], **more: Sequence[object]) -> dict[str, Any]:
    size = len(amounts)
    return {"ordered_at": [AT] * size, "status": ["paid"] * size, "amount": list(amounts), **more}


def _lines(path: Path) -> None:
    good = [json.dumps(profile(one, record), ensure_ascii=False) for one, record in ((WANG_FANG, "W"), (LI_QIANG, "L"))]
    path.write_text(f'{good[0]}\n{{"name": "{WANG_FANG.name}", "phone": {WANG_FANG.phone},,}}\n{good[1]}\n', "utf-8")


def _naive(path: Path) -> None:
    _parquet(path, {"registered_at": [datetime(2026, 5, 1, 8), None]})  # noqa: DTZ001 - being naive is the case


BAD: Final = {
    "truncated": Bad("profile", "1.parquet", _truncated),
    "empty": Bad("profile", "1.parquet", lambda path: path.touch()),
    "no_rows": Bad("profile", "1.parquet", _no_rows),
    "wrong_type": Bad("profile", "1.parquet", lambda path: _parquet(path, {"name": [[WANG_FANG.name]]})),
    "unknown_column": Bad("profile", "1.parquet", lambda path: _parquet(path, {"nmae": [WANG_FANG.name]})),
    "naive": Bad("profile", "1.parquet", _naive),
    "naive_at_home": Bad("profile", "1.parquet", _naive, "Asia/Shanghai"),
    "big_ids": Bad("profile", "1.parquet", lambda path: _parquet(path, {"record_id": [EXACT, EXACT + 2]})),
    "float_ids": Bad("profile", "1.parquet", lambda path: _parquet(path, {"record_id": [float(EXACT)]})),
    "nan": Bad("order", "1.parquet", lambda path: _parquet(path, _orders([math.nan, 1.0]))),
    "nul": Bad("profile", "1.parquet", lambda path: _parquet(path, {"name": [f"{WANG_FANG.name}\0", LI_QIANG.name]})),
    "bad_line": Bad("profile", "1.jsonl", _lines),
}

FAILED: Final = {
    "truncated": "in/truncated/1.parquet: it is not readable Parquet (ArrowInvalid) — deliver the file again, whole",
    "empty": "in/empty/1.parquet: it is not readable Parquet (ArrowInvalid) — deliver the file again, whole",
    "wrong_type": "column name: ",
    "unknown_column": "column nmae: is not in the contract — did you mean 'name'?",
    "float_ids": "column record_id: ",
}
"""Sources that cannot be meant, and how they are told."""


@pytest.fixture(scope="module")
def bad(ran: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Add every bad source to a shop that ran."""
    shop = copied(ran, tmp_path_factory.mktemp("bad") / "shop")
    for name, one in BAD.items():
        settings = {"timezone": one.timezone} if one.timezone else {}
        one.write(shop.add_source(name, one.kind, f"*{Path(one.file).suffix}", **settings) / one.file)
    return shop


@pytest.fixture(scope="module")
def told(bad: Shop) -> Ran:
    """Run all bad sources at once."""
    return bad.run()


def _reasons(bad: Shop, source: str) -> list[tuple[int, str, str]]:
    return query(
        bad.store,
        "SELECT row_no, rule, reason FROM quarantine q JOIN source s ON s.source_no = q.source_no "
        f"WHERE s.name = '{source}' ORDER BY row_no",
    )


def _records(bad: Shop, source: str) -> list[str]:
    found = query(
        bad.store,
        f"SELECT record_id FROM profile p JOIN source s ON s.source_no = p.source_no WHERE s.name = '{source}' ORDER BY 1",
    )
    return [row[0] for row in found]


def test_a_run_with_failed_sources_ends_with_1(told: Ran) -> None:
    """Exit code 1 tells a scheduler that something needs a look, and that the rest is done."""
    assert told.code == 1
    assert {each["source"] for each in told.report["sources"] if each["outcome"] == "failed"} == set(FAILED)


@pytest.mark.parametrize("source", FAILED)
def test_a_source_that_cannot_be_meant_is_named_with_fault_and_mend(bad: Shop, told: Ran, source: str) -> None:
    """An operator reads one line: which file or column, what is wrong with it, what to do."""
    assert told.source(source)["error"].startswith(FAILED[source]), told.source(source)
    assert " — " in told.source(source)["error"], told.source(source)
    assert _records(bad, source) == []


def test_bad_sources_harm_no_good_one(ran: Shop, bad: Shop, told: Ran) -> None:
    """What stood in the warehouse before stands there after: same records, same OneIDs, same orders."""
    assert told.code == 1
    before, after = ran.one_ids(), bad.one_ids()
    assert {record: after.get(record) for record in before} == before
    assert set(ran.published()["orders"]) <= set(bad.published()["orders"])


def test_parquet_without_rows_is_no_fault(told: Ran) -> None:
    """A quiet day at a source is not a failure."""
    assert told.source("no_rows")["outcome"] == "settled"
    assert told.source("no_rows")["read"] == 0


def test_a_naive_time_without_a_time_zone_is_refused(bad: Shop, told: Ran) -> None:
    """Nobody may guess eight hours: the record waits until the source says where it is at home."""
    assert [rule for _, rule, _ in _reasons(bad, "naive")] == ["time_zone"]
    assert (told.source("naive")["landed"], told.source("naive")["quarantined"]) == (1, 1)


def test_a_naive_time_is_read_in_the_time_zone_of_its_source(bad: Shop, told: Ran) -> None:
    """Eight in the morning in Shanghai is midnight in UTC."""
    assert told.source("naive_at_home")["quarantined"] == 0
    registered = query(
        bad.store,
        "SELECT registered_at FROM profile p JOIN source s ON s.source_no = p.source_no "
        "WHERE s.name = 'naive_at_home' AND registered_at IS NOT NULL",
    )
    assert registered == [(datetime(2026, 5, 1, 0),)]  # noqa: DTZ001 - the store keeps UTC without saying so


def test_integer_ids_beyond_doubles_stay_exact(bad: Shop, told: Ran) -> None:
    """Two customers whose ids differ in the last digit must not become one."""
    assert told.source("big_ids")["landed"] == 2
    assert _records(bad, "big_ids") == [str(EXACT), str(EXACT + 2)]


def test_money_in_floating_numbers_is_refused_row_by_row(bad: Shop, told: Ran) -> None:
    """NaN is no amount, and a source that counts money in floating numbers has lost the unit."""
    assert (told.source("nan")["read"], told.source("nan")["quarantined"]) == (2, 2)
    assert all("amount" in reason for _, _, reason in _reasons(bad, "nan"))


def test_a_nul_in_a_text_refuses_its_record_only(bad: Shop, told: Ran) -> None:
    """Databases cut text at NUL or refuse it: better one record waits than one name is cut."""
    assert told.source("nul")["landed"] == 1
    assert [rule for _, rule, _ in _reasons(bad, "nul")] == ["nul"]
    assert _records(bad, "nul") == ["R1"]


def test_a_bad_line_is_refused_with_its_number_and_the_others_land(bad: Shop, told: Ran) -> None:
    """One broken line in a file of a million must not cost the file."""
    assert (told.source("bad_line")["read"], told.source("bad_line")["landed"]) == (3, 2)
    assert [(row, rule) for row, rule, _ in _reasons(bad, "bad_line")] == [(2, "readable")]
    assert _records(bad, "bad_line") == ["L", "W"]


def test_nobody_is_named_in_what_a_run_says(bad: Shop, told: Ran) -> None:
    """Logs are kept and mailed around: phones, names and addresses have no place in them."""
    assert told.names_nobody
    assert bad.call("quarantine", "list").names_nobody


def test_reasons_never_repeat_values(bad: Shop, told: Ran) -> None:
    """Reasons are shown to whoever looks at the quarantine; the values stay in its raw column."""
    assert told.code == 1
    reasons = query(bad.store, "SELECT DISTINCT reason FROM quarantine")
    assert reasons
    assert not [reason for (reason,) in reasons if WANG_FANG.phone in reason or WANG_FANG.name in reason]
