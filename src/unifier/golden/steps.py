"""Put the steps of golden records in order: sales, survivorship, consent, contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from unifier.golden.survivorship import DEFAULT, FieldRule, columns, giver, survivor, worthy
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
        done.append(replace(step, sql=sql))
    return tuple(done)


def source_rank(
    names: Mapping[str, int], trust: Sequence[str], fields: Mapping[str, FieldRule] = MappingProxyType({})
) -> pa.Table:
    """Rank sources by trust: (source_no, name, rank, bit); sources that the list does not name come last, all alike.

    A field with its own list of trusted sources adds its ``<field>_rank``.
    """
    ordered = sorted(names)
    lists = {f"{name}_rank": rule.trust for name, rule in fields.items() if rule.trust is not None}
    ranks = {
        column: pa.array([own.index(name) if name in own else len(own) for name in ordered], pa.int32())
        for column, own in {"rank": trust, **lists}.items()
    }
    numbers = [names[name] for name in ordered]
    return pa.table(
        {
            "source_no": pa.array(numbers, pa.int16()),
            "name": pa.array(ordered, pa.string()),
            "bit": pa.array(numbers, pa.int32()),
            **ranks,
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
    """Settle the sales of orders that changed since a run; ends with ``next_sale`` over ``sale_scope``, after run 0 over all."""
    steps = read_steps(_text("sale.sql"), since=since, currency=currency)
    parts = {
        "changed": "AND o.record_no IN (SELECT record_no FROM sale_order)",
        "within": "o.record_no IN (SELECT order_no FROM sale_scope)",
    }
    if not since:  # everything is due: naming every order would only take memory
        narrowing = {"sale_order", "sale_scope"}
        parts = {"changed": "", "within": "true"}
        steps = tuple(
            replace(step, reads=tuple(name for name in step.reads if name not in narrowing))
            for step in steps
            if step.writes not in narrowing
        )
    return _filled(steps, {"day": local_day("coalesce(o.paid_at, o.ordered_at)", zone), **parts})


def golden(fields: Mapping[str, FieldRule] = MappingProxyType({})) -> tuple[Step, ...]:
    """Make the golden rows of ``golden_scope``; ends with ``next_golden`` and ``next_provenance``.

    ``fields`` are the rules of fields that do not go by the project's order of trust.
    """
    rules = {name: fields.get(name, DEFAULT) for name, _ in FIELDS}
    single = [f"{worthy(name)} AS {name}" for name in rules]
    single_place = [f"CASE WHEN {worthy(name)} IS NOT NULL THEN p.record_no END AS {name}_from" for name in rules]
    many = [f"{survivor(name, rule)} AS {name}" for name, rule in rules.items()]
    many_place = [f"{giver(name, rule)} AS {name}_from" for name, rule in rules.items()]
    return _filled(
        read_steps(_text("golden.sql")),
        {
            "fields": ", ".join(column for name, rule in rules.items() for column in columns(name, rule)),
            "single": ", ".join(single),
            "single_place": ", ".join(single_place),
            "many": ", ".join(many),
            "many_place": ", ".join(many_place),
            "golden_fields": ", ".join(f"s.{name}" for name in rules),
            "card_fields": ", ".join(f"c.{name}" for name, _ in MEMBERSHIP_FIELDS),
            "provenance_fields": ", ".join(f"s.{name}_from AS {name}" for name in rules),
        },
    )


def contacts() -> tuple[Step, ...]:
    """Make consent states and contacts of ``golden_scope``."""
    return read_steps(_text("contact.sql"))
