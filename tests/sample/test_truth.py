"""The truth about a world: complete, and really visible in the records."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

PLAIN_PROFILES = """(
    SELECT split_part(filename, '/', -3) AS source, record_id, name, u.type AS type, u.scope AS scope, u.value AS value,
           observed_at, registered_at, u.since AS since
    FROM read_parquet('{0}/*/profile/part-[0-9][0-9][0-9][0-9][0-9].parquet', filename = true, union_by_name = true),
         unnest(identifiers) t(u))"""
CAUSES = "'{0}/truth/causes.parquet'"
ENTITY = "'{0}/truth/entity.parquet'"


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Run a query; through Arrow, which needs no time zone package."""
    relation = duckdb.connect().sql(sql)
    assert relation is not None
    table = relation.to_arrow_table()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def carriers(world: Path, cause: str) -> dict[str, set[int]]:
    """Tell the people who carry each clean plain phone of a profile with a cause."""
    found: dict[str, set[int]] = defaultdict(set)
    sql = f"""SELECT p.value, e.entity FROM {PLAIN_PROFILES.format(world)} p
              JOIN {CAUSES.format(world)} c USING (source, record_id)
              JOIN {ENTITY.format(world)} e USING (source, record_id)
              WHERE c.cause = '{cause}' AND p.type = 'phone' AND regexp_full_match(p.value, '1[0-9]{{10}}')"""
    for value, entity in rows(sql):
        found[value].add(entity)
    return found


def test_every_profile_has_exactly_one_entity(world: Path) -> None:
    """A record without truth can be neither right nor wrong."""
    missing = rows(
        f"""SELECT count(*) FROM (SELECT DISTINCT source, record_id FROM {PLAIN_PROFILES.format(world)}) p
            ANTI JOIN {ENTITY.format(world)} e USING (source, record_id)"""
    )
    doubled = rows(f"SELECT count(*) - count(DISTINCT (source, record_id)) FROM {ENTITY.format(world)}")

    assert (missing, doubled) == ([(0,)], [(0,)])


def test_entity_csv_equals_the_parquet(world: Path) -> None:
    """Evaluators that read CSV must judge by the same truth."""
    assert (
        pacsv.read_csv(world / "truth/entity.csv").num_rows == pq.read_metadata(world / "truth/entity.parquet").num_rows
    )


def test_every_tellable_component_is_of_one_entity(world: Path) -> None:
    """A component of two people would punish those who keep them apart."""
    mixed = rows(
        f"""SELECT component FROM '{world}/truth/tellable.parquet' GROUP BY component
            HAVING count(DISTINCT entity) > 1"""
    )
    joined = rows(f"SELECT count(*) - count(DISTINCT component) FROM '{world}/truth/tellable.parquet'")

    assert mixed == []
    assert joined[0][0] > 10_000


def test_profiles_with_one_union_id_are_one_component(world: Path) -> None:
    """Recall is measured over what can be told, so what can be told must be in there."""
    split = rows(
        f"""SELECT p.value FROM {PLAIN_PROFILES.format(world)} p
            JOIN '{world}/truth/tellable.parquet' t USING (source, record_id)
            WHERE p.type IN ('unionid', 'omid', 'email', 'douyin_union_id') AND p.value NOT LIKE 'oAAAAAAAA%'
            GROUP BY p.value HAVING count(DISTINCT t.component) > 1"""
    )

    assert split == []


def test_records_of_one_component_are_chained_by_values_they_share(world: Path) -> None:
    """A component that no normaliser could find would be an impossible task."""
    members = rows(
        f"""SELECT t.component, p.source || p.record_id, p.type, p.value FROM {PLAIN_PROFILES.format(world)} p
            JOIN '{world}/truth/tellable.parquet' t USING (source, record_id)
            WHERE t.component % 20 = 0 AND p.type IN ('unionid', 'omid', 'email', 'douyin_union_id', 'id_card')"""
    )
    sizes = dict(rows(f"SELECT component, count(*) FROM '{world}/truth/tellable.parquet' GROUP BY component"))
    by_value: dict[tuple[int, str], set[str]] = defaultdict(set)
    for component, record, kind, value in members:
        by_value[component, kind + value].add(record)

    chained = [component for (component, _), records in by_value.items() if len(records) == sizes[component] > 1]
    assert len(chained) > 50  # components that these identifiers alone hold together


def test_family_phones_belong_to_several_people(world: Path) -> None:
    """The commonest false merge of a phone-only rule must be there to be avoided."""
    shared = [people for people in carriers(world, "family_phone").values() if len(people) > 1]

    assert len(shared) > 100
    assert max(map(len, shared)) <= 4


def test_shop_phones_have_many_carriers_with_a_skew(world: Path) -> None:
    """Generic values are found by their many names, so there must be many names."""
    sizes = sorted(len(people) for people in carriers(world, "shop_phone").values())

    assert len(sizes) == 10  # one per two thousand people
    assert sizes[-1] > 2 * sizes[0]
    assert sizes[0] > 10


def test_a_recycled_number_rests_before_its_next_owner(world: Path) -> None:
    """The cut between two holders needs a gap that time can see."""
    seen: dict[str, dict[int, list[dt.datetime]]] = defaultdict(lambda: defaultdict(list))
    sql = f"""SELECT p.value, e.entity, p.registered_at, p.observed_at FROM {PLAIN_PROFILES.format(world)} p
              JOIN {CAUSES.format(world)} c USING (source, record_id)
              JOIN {ENTITY.format(world)} e USING (source, record_id)
              WHERE c.cause = 'recycled' AND p.type = 'phone' AND regexp_full_match(p.value, '1[0-9]{{10}}')"""
    for value, entity, first, last in rows(sql):
        if value not in {"13800138000", "13000000000", "11111111111"}:
            seen[value][entity] += [first, last]
    gaps = []
    for owners in seen.values():
        if len(owners) == 2:
            older, newer = sorted(owners.values(), key=min)
            gaps.append((min(newer) - max(older)).days)

    assert len(gaps) > 50
    assert min(gaps) >= 99


def test_a_changed_phone_tells_since_when(world: Path) -> None:
    """Without the date nobody could know which of two numbers is the current one."""
    since = rows(
        f"""SELECT count(*), count(p.since), max(p.since <= p.observed_at) FROM {PLAIN_PROFILES.format(world)} p
            JOIN {CAUSES.format(world)} c USING (source, record_id)
            WHERE c.cause = 'changed_phone' AND p.type = 'phone'"""
    )

    assert since[0][0] == since[0][1] > 200


def test_earlier_versions_are_older_and_show_the_former_number(world: Path) -> None:
    """A version that is not older would win over the newer one."""
    versions = rows(
        f"""SELECT a.observed_at < b.observed_at, a.record_id = b.record_id,
                   [i.value for i in a.identifiers if i.type = 'phone'] IS DISTINCT FROM
                   [i.value for i in b.identifiers if i.type = 'phone']
                   OR NOT list_contains([i.type for i in a.identifiers], 'phone')
            FROM '{world}/crm/profile/part-00000-earlier.parquet' a
            JOIN '{world}/crm/profile/part-00000.parquet' b USING (record_id)"""
    )

    assert len(versions) > 100
    assert {older for older, _, _ in versions} == {True}
    assert sum(differs for _, _, differs in versions) > 0.95 * len(versions)


def test_an_agent_orders_for_many_receivers(world: Path) -> None:
    """Receivers' numbers must not make one person of a buyer's customers."""
    receivers = rows(
        f"""SELECT e.entity, count(DISTINCT u.value)
            FROM '{world}/wechat_mp/order/*.parquet' o, unnest(o.identifiers) t(u)
            JOIN {ENTITY.format(world)} e ON e.source = 'wechat_mp' AND e.record_id = o.record_id
            WHERE u.role = 'receiver' AND e.entity IN (
              SELECT entity FROM {CAUSES.format(world)} JOIN {ENTITY.format(world)} USING (source, record_id)
              WHERE cause = 'agent')
            GROUP BY e.entity"""
    )

    assert len(receivers) == 20
    assert all(5 <= count <= 50 for _, count in receivers)


def test_twins_differ_in_nothing_but_the_given_name(world: Path) -> None:
    """Whoever matches by birthday, surname, home and phone must find out here."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    sql = f"""SELECT u.value, birthday, name FROM '{world}/crm/profile/part-00000.parquet' p, unnest(identifiers) t(u)
              JOIN {CAUSES.format(world)} c ON c.source = 'crm' AND c.record_id = p.record_id
              WHERE c.cause = 'twin' AND u.type = 'phone' AND regexp_full_match(u.value, '1[0-9]{{10}}')
                AND birthday NOT LIKE '--%' AND regexp_full_match(name, '[一-龥]{{2,4}}')"""
    for phone, birthday, name in rows(sql):
        pairs[phone].append((birthday, name))
    twins = [found for found in pairs.values() if len({name for _, name in found}) > 1]

    assert twins
    assert all(len({birthday for birthday, _ in found}) == 1 for found in twins)


def test_phones_without_a_cause_have_one_holder(world: Path) -> None:
    """Every shared number must be explained, or the truth is not the truth."""
    sql = f"""SELECT p.value FROM {PLAIN_PROFILES.format(world)} p
              JOIN {ENTITY.format(world)} e USING (source, record_id)
              WHERE p.type IN ('phone', 'phone_md5', 'phone_sha256', 'mix_mobile')
                AND NOT EXISTS (SELECT 1 FROM {CAUSES.format(world)} c WHERE c.source = p.source
                  AND c.record_id = p.record_id
                  AND c.cause IN ('family_phone', 'shop_phone', 'recycled', 'twin', 'placeholder'))
                AND (p.type <> 'phone' OR regexp_full_match(p.value, '1[0-9]{{10}}'))
              GROUP BY p.value HAVING count(DISTINCT e.entity) > 1"""

    assert rows(sql) == []


def test_dirt_is_of_every_kind(world: Path) -> None:
    """Each kind of dirt has its own rule to read it."""
    values = [value for (value,) in rows(f"SELECT value FROM {PLAIN_PROFILES.format(world)} WHERE type = 'phone'")]
    kinds = [r"[０-９]{11}", r"\+861\d{10}", r"00861\d{10}", r"861\d{10}", r"01\d{10}", r"1\d\d \d{4} \d{4}"]
    kinds += [r"1\d\d-\d{4}-\d{4}", r"1\.\d\dE\+10", r"1\d{10}\.0", r"'1\d{10}", r"1\d{10}/1\d{10}", r"1\d{10}\(妻\)"]
    kinds += ["13800138000", "无", "0", "-"]

    assert [kind for kind in kinds if not any(re.fullmatch(kind, value, re.ASCII) for value in values)] == []


def test_mix_mobile_is_the_hash_that_tmall_makes(world: Path) -> None:
    """The published key of the demo must lead from the plain phone to the hash."""
    found = rows(
        f"""SELECT count(*) FROM {PLAIN_PROFILES.format(world)} h JOIN {PLAIN_PROFILES.format(world)} p
            ON h.type = 'mix_mobile' AND h.scope = 'brand1' AND p.type = 'phone'
            AND h.value = md5(md5('tmall' || p.value || 'testky'))"""
    )

    assert found[0][0] > 1_000


@pytest.fixture(scope="module")
def orders(world: Path) -> list[dict[str, Any]]:
    """Read the orders of the first three hundred people who have any, by the truth's entity."""
    sql = f"""
        SELECT e.entity, o.*, coalesce(r.back, 0) AS back
        FROM (SELECT split_part(filename, '/', -3) AS source, record_id, ordered_at, status, type, amount,
                     coalesce("grain", 'receipt') AS grain, external.no AS external
              FROM read_parquet('{world}/*/order/*.parquet', filename = true, union_by_name = true)) o
        JOIN {ENTITY.format(world)} e ON e.source = o.source AND e.kind = 'order' AND e.record_id = o.record_id
        LEFT JOIN (SELECT order_id, sum(amount) AS back FROM '{world}/*/refund/*.parquet'
                   WHERE status = 'success' GROUP BY order_id) r ON r.order_id = o.record_id
        WHERE e.entity IN (SELECT DISTINCT entity FROM {ENTITY.format(world)} WHERE kind = 'order'
                           ORDER BY entity LIMIT 300)"""
    relation = duckdb.connect().sql(sql)
    assert relation is not None
    return [dict(row) for row in relation.to_arrow_table().to_pylist()]


def test_tag_truth_equals_a_plain_count_over_the_files(world: Path, orders: list[dict[str, Any]]) -> None:
    """Tags are compared with this truth, so it is computed twice, the second time by hand."""
    expected: dict[int, list[Any]] = {}
    counted: set[str] = set()
    for order in sorted(orders, key=lambda o: o["source"] == "pos"):
        sold = order["status"] in {"paid", "shipped", "completed"} and order["type"] == "sale"
        if not sold or order["grain"] != "receipt" or order["external"] in counted:
            continue
        counted |= {order["external"]} - {None}
        day = (order["ordered_at"].astimezone(dt.UTC) + dt.timedelta(hours=8)).date()
        tags = expected.setdefault(order["entity"], [0, 0, dt.date.min, 0])
        tags[0] += 1
        tags[1] += max(order["amount"] - int(order["back"]), 0)
        tags[2] = max(tags[2], day)
        tags[3] += dt.date(2025, 6, 30) < day <= dt.date(2026, 6, 30)

    actual = {
        row[0]: list(row[1:])
        for row in rows(f"SELECT * FROM '{world}/truth/tags.parquet'")
        if row[0] in {order["entity"] for order in orders}
    }
    assert len(expected) > 250
    assert expected == actual


def test_orders_that_name_nobody_have_no_entity(world: Path) -> None:
    """Anonymous receipts count for the shop and for nobody else."""
    anonymous = rows(
        f"""SELECT count(*), count(e.entity) FROM '{world}/pos/order/*.parquet' o
            LEFT JOIN {ENTITY.format(world)} e ON e.source = 'pos' AND e.record_id = o.record_id
            WHERE len(o.identifiers) = 0"""
    )
    receipts = rows(f"SELECT count(*) FROM '{world}/pos/order/*.parquet'")

    assert anonymous[0][1] == 0
    assert anonymous[0][0] / receipts[0][0] == pytest.approx(0.25, abs=0.02)


def test_lines_and_payments_add_up_to_the_receipt(world: Path) -> None:
    """Sums over lines and over receipts must agree."""
    wrong = rows(
        f"""SELECT count(*) FILTER (lines IS NOT NULL), count(*) FILTER (list_sum([l.amount for l in lines]) <> amount
                   OR list_sum([p.amount for p in payments]) <> amount), count(*)
            FROM '{world}/pos/order/*.parquet'"""
    )

    assert wrong[0][1] == 0
    assert wrong[0][0] / wrong[0][2] == pytest.approx(0.10, abs=0.01)


def test_an_order_delivered_twice_has_one_external_number_and_one_amount(world: Path) -> None:
    """The second delivery must be recognisable as the same sale."""
    pairs = rows(
        f"""SELECT a.amount = b.amount, a.ordered_at = b.ordered_at
            FROM '{world}/wechat_mp/order/*.parquet' a
            JOIN '{world}/pos/order/*.parquet' b ON a.external = b.external"""
    )

    assert len(pairs) > 300
    assert set(pairs) == {(True, True)}


def test_nothing_happens_after_as_of(world: Path) -> None:
    """A record from the future would break every window and every delta."""
    latest = rows(f"""SELECT max(observed_at) FROM read_parquet('{world}/*/*/*.parquet', union_by_name = true)""")

    assert latest[0][0] < dt.datetime(2026, 6, 30, 16, tzinfo=dt.UTC)
