"""Put the steps of golden records in order: sales, survivorship, consent, contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from unifier.relations import Step, read_steps
from unifier.tables.golden import FIELDS, MEMBERSHIP_FIELDS

_FROM: Final = datetime(1992, 1, 1, tzinfo=UTC)
"""China ended its summer times in 1991; no sale is older."""

_TO: Final = datetime(2100, 1, 1, tzinfo=UTC)


def _text(name: str) -> str:
    return files("unifier.golden").joinpath(name).read_text(encoding="utf-8")


def _filled(steps: tuple[Step, ...], parts: Mapping[str, str]) -> tuple[Step, ...]:
    done = []
    for step in steps:
        sql = step.sql
        for mark, text in parts.items():
            sql = sql.replace("{" + mark + "}", text)
        done.append(Step(step.name, step.reads, step.writes, sql, step.params, step.lazy))
    return tuple(done)


def source_rank(names: Mapping[str, int], trust: Sequence[str]) -> pa.Table:
    """Rank sources by trust: (source_no, name, rank, bit); sources that the list does not name come last, by name."""
    ordered = sorted(names, key=lambda name: (trust.index(name) if name in trust else len(trust), name))
    return pa.table(
        {
            "source_no": pa.array([names[name] for name in ordered], pa.int16()),
            "name": pa.array(ordered, pa.string()),
            "rank": pa.array([trust.index(name) if name in trust else len(trust) for name in ordered], pa.int32()),
            "bit": pa.array([names[name] for name in ordered], pa.int32()),
        }
    )


def local_day(column: str, zone: str) -> str:
    """Write the local day of a UTC time.

    >>> local_day("at", "Asia/Shanghai")
    "(at + INTERVAL '28800 seconds')::DATE"
    """
    offsets = _offsets(zone)
    if len(offsets) == 1:
        return f"({column} + INTERVAL '{offsets[0][1]} seconds')::DATE"
    branches = " ".join(
        f"WHEN {column} >= TIMESTAMP '{start:%Y-%m-%d %H:%M:%S}' THEN {seconds}" for start, seconds in reversed(offsets)
    )
    return f"({column} + to_seconds(CASE {branches} ELSE {offsets[0][1]} END))::DATE"


@cache
def _offsets(zone: str) -> list[tuple[datetime, int]]:
    """List when the zone changes its distance from UTC, hour by hour where a day shows a change."""
    info = ZoneInfo(zone)

    def seconds(at: datetime) -> int:
        offset = at.astimezone(info).utcoffset()
        return int(offset.total_seconds()) if offset else 0

    changes = [(_FROM, seconds(_FROM))]
    day = _FROM
    while day < _TO:
        following = day + timedelta(days=1)
        if seconds(following) != changes[-1][1]:
            hour = day
            while seconds(hour) == changes[-1][1]:
                hour += timedelta(minutes=30)
            changes.append((hour, seconds(hour)))
        day = following
    return changes


def sales(since: int, currency: str, zone: str) -> tuple[Step, ...]:
    """Settle the sales of orders that changed since a run; ends with ``next_sale`` over ``sale_scope``."""
    within = "o.record_no IN (SELECT order_no FROM sale_scope)" if since else "true"
    steps = read_steps(_text("sale.sql"), since=since, currency=currency)
    return _filled(steps, {"day": local_day("coalesce(o.paid_at, o.ordered_at)", zone), "within": within})


def golden() -> tuple[Step, ...]:
    """Make the golden rows of ``golden_scope``; ends with ``next_golden`` and ``next_provenance``."""
    names = [name for name, _ in FIELDS]
    valid = {
        name: f"{name} IS NOT NULL" + ("" if kind == "TIMESTAMP" else f" AND {name} <> ''") for name, kind in FIELDS
    }
    valid["gender"] += " AND gender <> 'unknown'"
    single = [f"CASE WHEN {_of('p', valid[name])} THEN p.{name} END AS {name}" for name in names]
    single_place = [f"CASE WHEN {_of('p', valid[name])} THEN p.record_no END AS {name}_from" for name in names]
    many = [_best(name, name, valid[name]) + f" AS {name}" for name in names]
    many_place = [_best(name, "record_no", valid[name]) + f" AS {name}_from" for name in names]
    return _filled(
        read_steps(_text("golden.sql")),
        {
            "fields": ", ".join(f"p.{name}" for name in names),
            "single": ", ".join(single),
            "single_place": ", ".join(single_place),
            "many": ", ".join(many),
            "many_place": ", ".join(many_place),
            "golden_fields": ", ".join(f"s.{name}" for name in names),
            "card_fields": ", ".join(f"c.{name}" for name, _ in MEMBERSHIP_FIELDS),
            "provenance_fields": ", ".join(f"s.{name}_from AS {name}" for name in names),
        },
    )


def contacts() -> tuple[Step, ...]:
    """Make consent states and contacts of ``golden_scope``."""
    return read_steps(_text("contact.sql"))


def _of(alias: str, condition: str) -> str:
    """Point the columns of a field's condition at an alias."""
    name = condition.split(" ", 1)[0]
    return condition.replace(name, f"{alias}.{name}")


def _best(name: str, value: str, valid: str) -> str:
    """Take the value of the first record, in rank, whose field is worth something; full names go before others."""
    best = f"arg_min({value}, place) FILTER ({valid})"
    return f"coalesce(arg_min({value}, place) FILTER (full_name), {best})" if name == "name" else best
