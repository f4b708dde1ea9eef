"""Generate a whole world: chunk by chunk, two at a time, each a pure function of the world and its index."""

from __future__ import annotations

import datetime as dt
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from unifier.sample import events, profiles, rates, receipts, truth
from unifier.sample.accounts import open_accounts
from unifier.sample.orders import REFUNDING, SELLERS, build_orders
from unifier.sample.people import SOURCES, World, build_people
from unifier.sample.places import reference_tables
from unifier.sample.write import Format, TruthWriter, clear, total, write_config, write_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

WORKERS: Final = 2
"""Chunks built at once; more would break the memory bound."""

AS_OF: Final = dt.date(2026, 6, 30)


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was generated."""

    rows: Mapping[str, int]
    """Rows by stream, named `source/kind`; a profile that was delivered in two versions counts twice."""

    people: int
    seconds: float


def generate(
    members: int,
    seed: int,
    out: Path,
    fmt: Format = "parquet",
    *,
    orders_per_member: float = 6.0,
    as_of: dt.date = AS_OF,
) -> SampleReport:
    """Generate a world of `members` people under `out`: records by source and kind, truth and `unifier.yaml`.

    The same arguments give the same bytes. Parts that an earlier world left in `out` are removed. Ten million people
    make about 26 M profiles and 60 M orders. Raises ValueError if `members` is not between 1 and 10 million or
    `orders_per_member` not between 0 and 50.
    """
    if not 1 <= members <= 10_000_000:  # noqa: PLR2004 - resident ids are unique up to here
        raise ValueError(f"members: {members} is out of range — choose 1 to 10,000,000")
    if not 0 <= orders_per_member <= 50:  # noqa: PLR2004 - a person's order numbers are bounded
        raise ValueError(f"orders_per_member: {orders_per_member} is out of range — choose 0 to 50")
    return generate_world(World(members, seed, orders_per_member, as_of), out, fmt)


def generate_world(world: World, out: Path, fmt: Format = "parquet") -> SampleReport:
    """Generate a world as `generate` does, for a world that also fixes its chunks."""
    started = time.perf_counter()
    clear(out)
    small = world.members <= rates.ENTITY_CSV_LIMIT
    with TruthWriter(out / "truth", csv=small) as ledger:
        write_world(world, out / "truth" / "world.json")
        counts = []
        for count, known in _chunks(world, out, fmt):
            counts.append(count)
            ledger.append(known)
    counts += [
        {f"crm/{kind}": write_part(table, out, ("crm", kind), "00000", fmt)}
        for kind, table in reference_tables(world.as_of).items()
    ]
    write_config(out, fmt)
    return SampleReport(total(counts), world.members, time.perf_counter() - started)


def write_world(world: World, path: Path) -> None:
    """Write down what the world is a function of."""
    made = {"members": world.members, "seed": world.seed, "as_of": world.as_of.isoformat()}
    made |= {"orders_per_member": world.orders_per_member, "chunk_people": world.chunk_people}
    path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


def _chunks(world: World, out: Path, fmt: Format) -> Iterator[tuple[dict[str, int], dict[str, pa.Table]]]:
    """Build chunks side by side and hand them over in order, never more than WORKERS ahead."""
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = (pool.submit(write_chunk, world, chunk, out, fmt) for chunk in range(world.chunks))
        pending: list[Future[tuple[dict[str, int], dict[str, pa.Table]]]] = list(islice(jobs, WORKERS))
        while pending:
            done = pending.pop(0).result()
            pending.extend(islice(jobs, 1))
            yield done


def write_chunk(world: World, chunk: int, out: Path, fmt: Format) -> tuple[dict[str, int], dict[str, pa.Table]]:
    """Build and write one chunk; returns rows by stream and the truth tables by name."""
    part = f"{chunk:05d}"
    rows: dict[str, int] = {}

    def write(source: str, kind: str, table: pa.Table, suffix: str = "") -> None:
        stream = f"{source}/{kind}"
        rows[stream] = rows.get(stream, 0) + write_part(table, out, (source, kind), part + suffix, fmt)

    people = build_people(world, chunk)
    accounts = {source: open_accounts(world, people, source) for source in SOURCES}
    for source, held in accounts.items():
        write(source, "profile", profiles.profiles(world, people, held))
    # sorts before the part itself: the former number arrives before the newer one
    write("crm", "profile", profiles.earlier_versions(world, people, accounts["crm"]), "-earlier")
    write("crm", "consent", events.member_consent(world, people, accounts))
    write("wechat_mp", "event", events.visits(world, people, accounts["wechat_mp"]))
    write("wechat_oa", "event", events.follows(world, people, accounts["wechat_oa"]))
    for kind, table in events.messages(world, people).items():
        write("sms", kind, table)
    orders = build_orders(world, people, accounts)
    for seller, source in enumerate(SELLERS):
        write(source, "order", receipts.order_table(world, people, orders, seller))
        if seller in REFUNDING:
            write(source, "refund", receipts.refund_table(world, people, orders, seller))
    named = orders if world.members <= rates.ENTITY_CSV_LIMIT else None
    return rows, {
        "entity": truth.entities(people, accounts, named),
        "tellable": truth.tellable(world, people, accounts),
        "causes": truth.causes(people, accounts, named),
        "tags": truth.tags(world, people, orders),
    }
