"""Make the next day of a world: changed and deleted profiles and new orders, in a folder of the same layout."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unifier.sample import names, places
from unifier.sample.draws import Ints, Mask, stream
from unifier.sample.people import EPOCH
from unifier.sample.people import SOURCES as PROFILE_SOURCES
from unifier.sample.phones import SPAN, holder_numbers
from unifier.sample.text import (
    DAY,
    SHANGHAI,
    TIMESTAMP,
    Column,
    arrow,
    constant,
    digits,
    instants,
    joined,
    listed,
    overlay,
    spelled,
    structs,
)
from unifier.sample.write import LAYOUT, TruthWriter, clear, total, write_config, write_part

if TYPE_CHECKING:
    from pathlib import Path

NOON, EVENING = 12 * 3600, 20 * 3600
PHONE, NAME, CITY = range(3)
"""What a changed profile changes; a record without the field, or with neither, changes its status."""

FRESH_NUMBERS: Final = SPAN // 4
"""First of the places whose numbers no generated person holds."""


def delta(
    out: Path,
    into: Path,
    seed: int,
    profiles: float = 0.01,
    orders: float = 0.01,
    deleted: float = 0.001,
    *,
    at: dt.date,
) -> dict[str, int]:
    """Write what changed in the Parquet world `out` on the day `at` into the folder `into`; returns rows by stream.

    Of each file a share `profiles` of the records comes again with another phone, name or city, a share `deleted`
    comes as tombstones, and a share `orders` of new orders is dated `at`, each by the buyer of an older one.
    `truth/changes.parquet` in `into` names them all. Raises ValueError if `at` is not after the world's `as_of`, or
    if `into` is `out`.
    """
    if into.resolve() == out.resolve():
        raise ValueError(f"into: {into} is the world itself — choose another folder")
    world = json.loads((out / "truth" / "world.json").read_text(encoding="utf-8"))
    if at <= dt.date.fromisoformat(world["as_of"]):
        raise ValueError(f"at: {at} is not after the world's as_of {world['as_of']} — choose a later day")
    clear(into)
    counts: list[dict[str, int]] = []
    with TruthWriter(into / "truth", csv=False) as ledger:
        for source, kind, part, path in _parts(out):
            table = pq.read_table(path)
            rng = stream(seed, part, f"delta {source} {kind}")
            if kind == "order":
                news, known = _new_orders(rng, table, orders, at)
            else:
                place = FRESH_NUMBERS + seed % 16 * 10**8 + PROFILE_SOURCES.index(source) * 10**7
                fresh = holder_numbers(place + part * 10**5 + np.arange(table.num_rows), world["seed"])
                news, known = _changed_profiles(rng, table, (profiles, deleted), at, fresh)
            counts.append({f"{source}/{kind}": write_part(news, into, (source, kind), f"{part:05d}", "parquet")})
            size = news.num_rows
            ledger.append(
                {"changes": pa.table({"source": constant(source, size), "kind": constant(kind, size), **known})}
            )
    write_config(into)
    return total(counts)


def _parts(out: Path) -> list[tuple[str, str, int, Path]]:
    """List the files that hold the newest profiles and the orders: source, kind, number, path."""
    return [
        (source, kind, int(path.stem[-5:]), path)
        for source, kinds in LAYOUT.items()
        for kind in ("profile", "order")
        if kind in kinds
        for path in sorted((out / source / kind).glob("part-[0-9][0-9][0-9][0-9][0-9].parquet"))
    ]


def _set(table: pa.Table, name: str, values: Column) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def _plain(table: pa.Table, name: str) -> Column:
    """Take a column as one array."""
    whole: Any = table[name].combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _changed_profiles(
    rng: np.random.Generator, table: pa.Table, shares: tuple[float, float], at: dt.date, fresh: Ints
) -> tuple[pa.Table, dict[str, Column]]:
    """Change some profiles and delete others; returns the records and, for the truth, what happened to each."""
    changed, gone = (round(share * table.num_rows) for share in shares)
    rows = rng.permutation(table.num_rows)[: changed + gone]
    what = np.where(np.arange(len(rows)) < changed, rng.integers(0, 3, len(rows)), -1)
    news = table.take(arrow(rows))
    news, moved = _move_phones(news, what == PHONE, at, fresh[: len(rows)])
    done = moved | (what < 0)
    for name, code in (("name", NAME), ("city", CITY)):
        if name in news.schema.names:
            old = _plain(news, name)
            chosen = np.flatnonzero((what == code) & ~np.asarray(pc.is_null(old)))
            news = _set(news, name, overlay(old, [(chosen, _others(rng, old.take(arrow(chosen)), name))]))
            done[chosen] = True
    status = _plain(news, "status")
    rest = np.flatnonzero(~done)
    frozen = (np.asarray(status.take(arrow(rest))) == "frozen").astype(np.int64)
    news = _set(news, "status", overlay(status, [(rest, spelled(frozen, ("frozen", "active")))]))
    news = _set(news, "deleted", arrow(what < 0))
    day = np.full(len(rows), (at - EPOCH).days)
    news = _set(news, "observed_at", instants(day, np.where(what < 0, EVENING, NOON)))
    change = spelled((what < 0).astype(np.int64), ("changed", "deleted"))
    return news, {
        "record_id": _plain(news, "record_id"),
        "change": change,
        "template": pa.nulls(len(rows), pa.string()),
    }


def _others(rng: np.random.Generator, old: Column, name: str) -> Column:
    """Draw another name or city for each of the old ones."""
    size = len(old)
    if name == "city":
        cities = [row[1] for row in places.CITIES]
        at = np.array([cities.index(str(city)) for city in old.to_pylist()], dtype=np.int64)
        return spelled((at + rng.integers(1, len(cities), size)) % len(cities), cities)
    table = names.names()
    given = spelled(rng.integers(0, len(table.given), size), table.given)
    surname = spelled(rng.integers(0, len(table.surname), size), table.surname)
    return joined(surname, given)


def _move_phones(news: pa.Table, chosen: Mask, at: dt.date, fresh: Ints) -> tuple[pa.Table, Mask]:
    """Give chosen profiles a new number in place of a plain one; returns who had one too."""
    lists: Any = _plain(news, "identifiers")
    entries: Any = lists.flatten()
    owner = np.repeat(np.arange(len(lists)), np.asarray(pc.list_value_length(lists)))
    types = np.asarray(entries.field("type")) == "phone"
    hit = np.flatnonzero(types & chosen[owner])
    since = instants(np.full(len(hit), (at - EPOCH).days), np.full(len(hit), NOON))
    fields = {field.name: entries.field(field.name) for field in entries.type}
    fields["value"] = overlay(fields["value"], [(hit, digits(fresh[owner[hit]], 11))])
    fields["since"] = overlay(fields["since"], [(hit, since)])
    moved = np.zeros(len(chosen), dtype=np.bool_)
    moved[owner[hit]] = True
    counts = np.asarray(pc.list_value_length(lists)).astype(np.int64)
    return _set(news, "identifiers", listed(counts, structs(fields))), moved


def _new_orders(
    rng: np.random.Generator, table: pa.Table, share: float, at: dt.date
) -> tuple[pa.Table, dict[str, Column]]:
    """Order again on the day `at` what was ordered before, by the same buyers at the same time of day."""
    rows = rng.permutation(table.num_rows)[: round(share * table.num_rows)]
    news = table.take(arrow(rows))
    template = _plain(news, "record_id")
    ids = pc.utf8_replace_slice(template, 2, 2, f"{at:%y%m%d}")
    local = np.asarray(_plain(news, "ordered_at").cast(pa.int64())) + SHANGHAI * 1_000_000
    shift = ((at - EPOCH).days - local // (DAY * 1_000_000)) * DAY * 1_000_000
    for name in ("ordered_at", "paid_at", "observed_at"):
        old = _plain(news, name).cast(pa.int64())
        news = _set(news, name, pc.add(old, arrow(shift)).cast(cast("Any", TIMESTAMP)))
    if "external" in news.schema.names:
        news = _set(news, "external", pa.nulls(len(rows), news.schema.field("external").type))
    news = _set(news, "record_id", ids)
    return news, {"record_id": ids, "change": constant("new", len(rows)), "template": template}
