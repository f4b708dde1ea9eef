"""The generated world: the same every time, at the promised rates, whatever the chunks."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from unifier.sample import generate, rates, write_config
from unifier.sample.people import World
from unifier.sample.world import generate_world

PROFILES = "'{}/*/profile/part-[0-9][0-9][0-9][0-9][0-9].parquet'"
PHONES = """SELECT u.value FROM '{}/crm/profile/*.parquet', unnest(identifiers) t(u)
            WHERE u.type = 'phone' AND length(u.value) = 11"""


def digest(out: Path) -> dict[str, str]:
    """Hash every file of a world by its place in it."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Run a query; through Arrow, which needs no time zone package."""
    relation = duckdb.connect().sql(sql)
    assert relation is not None
    table = relation.to_arrow_table()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def number(sql: str) -> float:
    """Run a query that answers with one number."""
    return float(rows(sql)[0][0])


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """A benchmark that cannot be repeated proves nothing."""
    for name in ("first", "second"):
        generate(3_000, 11, tmp_path / name)

    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    """Tests over seeds would else test one world many times."""
    generate(500, 1, tmp_path / "one")
    generate(500, 2, tmp_path / "two")

    phones = [set(rows(PHONES.format(tmp_path / name))) for name in ("one", "two")]
    assert len(phones[0] & phones[1]) < 10  # placeholders may meet


def test_a_smaller_world_leaves_nothing_of_a_larger_one(tmp_path: Path) -> None:
    """Parts of an older world would be read as records that no truth knows."""
    generate_world(World(900, 3, 1.0, dt.date(2026, 6, 30), chunk_people=300), tmp_path / "reused")
    generate(400, 3, tmp_path / "reused")
    generate(400, 3, tmp_path / "fresh")

    assert digest(tmp_path / "reused") == digest(tmp_path / "fresh")


@pytest.mark.parametrize(("members", "orders"), [(0, 1.0), (10_000_001, 1.0), (10, -1.0), (10, 51.0)])
def test_sizes_out_of_range_are_refused(tmp_path: Path, members: int, orders: float) -> None:
    """Beyond the bounds numbers would no longer be unique."""
    with pytest.raises(ValueError, match="out of range"):
        generate(members, 1, tmp_path, orders_per_member=orders)


@pytest.mark.parametrize("members", [1, 2, 3, 17, 60])
def test_the_smallest_worlds_can_be_made(tmp_path: Path, members: int) -> None:
    """Demos and fixtures start small, where quotas round to nothing and tables are empty."""
    report = generate(members, 5, tmp_path)

    assert report.people == members


def test_a_world_without_orders_can_be_made(tmp_path: Path) -> None:
    """Identity is benchmarked without facts."""
    report = generate(200, 5, tmp_path, orders_per_member=0.0)

    assert {rows for stream, rows in report.rows.items() if stream.endswith("/order")} == {0}


def test_totals_keep_the_promised_size(world: Path) -> None:
    """Ten million people must make about 26 M profiles and 60 M orders."""
    profiles = number(f"SELECT count(*) FROM {PROFILES.format(world)}")
    orders = number(f"SELECT count(*) FROM '{world}/*/order/*.parquet'")

    assert profiles / 20_000 == pytest.approx(2.6, rel=0.03)
    assert orders / 20_000 == pytest.approx(6.0, rel=0.04)


def test_people_are_in_one_two_three_or_more_systems_as_promised(world: Path) -> None:
    """The number of systems decides how much there is to unify."""
    found = rows(
        f"""SELECT least(systems, 4), count(*) / 20000 FROM (
              SELECT entity, count(DISTINCT source) AS systems FROM '{world}/truth/entity.parquet'
              WHERE kind = 'profile' GROUP BY entity) GROUP BY ALL ORDER BY 1"""
    )

    assert [share for _, share in found] == pytest.approx([0.4, 0.3, 0.2, 0.1], abs=0.012)


@pytest.mark.parametrize(
    ("cause", "share"),
    [
        ("family_phone", rates.FAMILY_PHONE * 0.8),  # of them, who shows the number in some form
        ("recycled", 2 * rates.RECYCLED * 0.8),
        ("agent", rates.AGENT),
        ("several_cards", rates.SEVERAL_CARDS),
        ("second_wechat", rates.SECOND_WECHAT),
        ("twin", rates.TWIN),
    ],
)
def test_causes_strike_the_promised_share_of_people(world: Path, cause: str, share: float) -> None:
    """The quality figures are stated for a world with these rates."""
    struck = number(
        f"""SELECT count(DISTINCT entity) FROM '{world}/truth/causes.parquet'
            JOIN '{world}/truth/entity.parquet' USING (source, record_id)
            WHERE cause = '{cause}' AND kind = 'profile'"""
    )

    assert struck / 20_000 == pytest.approx(share, rel=0.25)


@pytest.mark.parametrize(
    ("cause", "share"),
    [("dirty_phone", rates.DIRTY_PHONE), ("placeholder", rates.PLACEHOLDER)],
)
def test_plain_phones_are_dirty_at_the_promised_rate(world: Path, cause: str, share: float) -> None:
    """Normalisation is only tested by values that need it."""
    plain = number(
        f"""SELECT count(*) FROM {PROFILES.format(world)}
            WHERE list_contains(list_transform(identifiers, lambda i: i.type), 'phone')"""
    )
    struck = number(
        f"""SELECT count(*) FROM '{world}/truth/causes.parquet'
            JOIN '{world}/truth/entity.parquet' USING (source, record_id)
            WHERE cause = '{cause}' AND kind = 'profile' AND source IN ('crm', 'wecom')"""
    )
    of_sources = number(
        f"""SELECT count(*) FROM '{world}/*/profile/part-00000.parquet', unnest(identifiers) t(u)
            WHERE u.type = 'phone' AND filename ~ '/(crm|wecom)/'"""
    )

    assert plain > of_sources
    # a clerk who types the shop's number types no placeholder
    assert struck / of_sources == pytest.approx(share, rel=0.25)


def test_chunks_do_not_change_the_rates(tmp_path: Path) -> None:
    """Ten million people are eighty chunks: what one chunk promises, all of them must keep."""
    whole = World(6_000, 9, 3.0, dt.date(2026, 6, 30))
    cut = World(6_000, 9, 3.0, dt.date(2026, 6, 30), chunk_people=1_500)
    for name, made in (("whole", whole), ("cut", cut)):
        generate_world(made, tmp_path / name)

    shares = []
    for name in ("whole", "cut"):
        found = rows(f"SELECT cause FROM '{tmp_path}/{name}/truth/causes.parquet'")
        counted = Counter(cause for (cause,) in found)
        shares.append([counted[c] / 6_000 for c in ("dirty_phone", "masked_only", "several_cards", "second_wechat")])
    assert shares[0] == pytest.approx(shares[1], rel=0.12)


def test_record_ids_are_unique_over_chunks(tmp_path: Path) -> None:
    """Two records of one id would silently become versions of each other."""
    generate_world(World(4_000, 9, 3.0, dt.date(2026, 6, 30), chunk_people=1_000), tmp_path)

    for kind in ("profile", "order", "refund", "event", "consent"):
        doubled = number(
            f"""SELECT count(*) - count(DISTINCT (split_part(filename, '/', -3), record_id))
                FROM read_parquet('{tmp_path}/*/{kind}/part-[0-9][0-9][0-9][0-9][0-9].parquet', filename = true,
                                  union_by_name = true)"""
        )
        assert doubled == 0, kind


def test_jsonl_holds_the_same_records_as_parquet(tmp_path: Path) -> None:
    """The demo reads JSON lines, the benchmark Parquet: they must be one world."""
    generate(300, 4, tmp_path / "p")
    generate(300, 4, tmp_path / "j", "jsonl")

    lines = (tmp_path / "j/tmall/order/part-00000.jsonl").read_text(encoding="utf-8").splitlines()
    got = [(row["record_id"], row["amount"], row["identifiers"][0]["value"]) for row in map(json.loads, lines)]
    assert got == rows(f"SELECT record_id, amount, identifiers[1].value FROM '{tmp_path}/p/tmall/order/*.parquet'")
    assert all(json.loads(line)["observed_at"].endswith("+00:00") for line in lines)


def test_config_names_every_stream_that_was_written(world: Path) -> None:
    """A stream without a line in the config would never be read."""
    config = yaml.safe_load((world / "unifier.yaml").read_text(encoding="utf-8"))

    named = {(s, k): entry["path"] for s, part in config["sources"].items() for k, entry in part["streams"].items()}
    folders = {tuple(path.relative_to(world).parts[:2]) for path in world.glob("*/*/part-*")}
    assert set(named) == folders
    assert all(list(world.glob(path)) for path in named.values())
    assert set(config["golden"]["trust"]) == set(config["sources"])


def test_config_can_be_written_for_json_lines(tmp_path: Path) -> None:
    """The config must look for the files that are there."""
    text = write_config(tmp_path, "jsonl").read_text(encoding="utf-8")

    assert "crm/profile/*.jsonl" in text
    assert "parquet" not in text
