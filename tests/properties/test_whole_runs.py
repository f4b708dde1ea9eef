"""Whole runs on random worlds: the columnar engine gives what the plain reference gives, however it is fed.

A failure prints the seed and the blob that reproduce it. Nightly runs (UNIFIER_NIGHTLY=1) try a thousand worlds.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cast import LI_QIANG, WANG_FANG
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from properties.engine import DERIVED, SECRET, TRUST, ZONE, Columnar
from properties.seeds import NIGHTLY, SEED
from reference.pipeline import Reference
from reference.worlds import SETTINGS, World, worlds

from unifier.identifiers import md5, registry
from unifier.stages import unify

TYPES = registry(SETTINGS)
WORLDS = 1000 if NIGHTLY else 30


@pytest.fixture(scope="module", autouse=True)
def _small_passes() -> Iterator[None]:
    """These worlds have a handful of people: what is done in passes over millions must take several passes here too."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unify, "PEOPLE_A_PASS", 3)
        yield


def whole(test: Callable[..., None]) -> Callable[..., None]:
    """Try a test on so many worlds, drawn with a seed that is printed where it fails."""
    drawn = settings(
        max_examples=WORLDS,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return drawn(seed(SEED)(test))


@pytest.fixture(scope="module", autouse=True)
def _seed() -> None:
    """Print what the worlds are drawn with."""
    print(f"UNIFIER_SEED={SEED}, {WORLDS} worlds a test")  # noqa: T201 - to repeat a failure


@contextmanager
def engines(count: int) -> Iterator[list[Columnar]]:
    """Open stores in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        made = [Columnar(Path(folder) / f"{place}.duckdb", TYPES, {}) for place in range(count)]
        try:
            yield made
        finally:
            for engine in made:
                engine.store.close()


def reference() -> Reference:
    """Make the plain reference with the rules of these tests."""
    return Reference(TYPES, {}, ("profile", "order"), SECRET, TRUST, "CNY", ZONE)


def delivered(world: World, run: int) -> list[tuple[str, str, tuple[dict[str, Any], ...]]]:
    """List what arrives before a run."""
    return [(each.source, each.kind, each.records) for each in world.deliveries if each.run == run]


@whole
@given(worlds(), st.integers(0, 2**32 - 1))
def test_the_columnar_engine_gives_what_the_reference_gives(world: World, dice: int) -> None:
    """People, ids, golden values, sales, consent and contacts: nobody believes a fast engine that differs in one."""
    note(f"UNIFIER_SEED={SEED}, dice {dice}")
    plain = reference()
    with engines(1) as (engine,):
        for run, as_of in enumerate(world.as_of, 1):
            for source, kind, records in delivered(world, run):
                plain.deliver(source, kind, records)
            plain.run(as_of)
            engine.run(delivered(world, run), shuffle=random.Random(dice))

            assert engine.generic() == plain.generic
            assert engine.one_ids() == plain.one_ids()
            assert engine.sales() == {key: sale for key, sale in plain.sales.items() if sale[1] != "deleted"}
            assert _golden(engine.golden()) == _golden(plain.golden)
            assert engine.consents() == {
                (one_id, *about): status
                for one_id, told in plain.consents.items()
                for about, (status, _) in told.items()
            }
            assert engine.contacts() == {
                (one_id, channel): (best["value"][-1], best["reachable"])
                for one_id, told in plain.contacts.items()
                for channel, best in told.items()
            }
            assert engine.lineage() == sorted((tuple(line) for line in plain.lineage), key=str)


@whole
@given(worlds(), st.integers(0, 2**32 - 1))
def test_an_incremental_run_equals_a_rebuild(world: World, dice: int) -> None:
    """What a nightly run leaves must be what a rebuild from the same ledger would leave, histories included."""
    note(f"UNIFIER_SEED={SEED}, dice {dice}")
    with engines(2) as (daily, rebuilt):
        for run, _ in enumerate(world.as_of, 1):
            daily.run(delivered(world, run), shuffle=random.Random(dice))
            rebuilt.run(delivered(world, run), rebuild=True)

            assert daily.one_ids() == rebuilt.one_ids()
            assert _plain_rows(daily) == _plain_rows(rebuilt)


@whole
@given(worlds())
def test_a_run_without_news_changes_nothing(world: World) -> None:
    """An operator who runs twice must see the same people, and not one row written."""
    with engines(1) as (engine,):
        for run, _ in enumerate(world.as_of, 1):
            engine.run(delivered(world, run))
        before = (engine.one_ids(), _plain_rows(engine))
        engine.run([])
        engine.run([], rebuild=True)

        written = {
            table: engine.store.one(f"SELECT count(*) FROM {table} WHERE changed_run > {engine.run_no - 2}")
            for table in DERIVED
        }
        assert (engine.one_ids(), _plain_rows(engine)) == before
        assert written == dict.fromkeys(written, 0)


def _golden(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    fields = ("member_status", "name", "gender", "birthday", "city", "membership_card_no", "registered_at")
    return {one_id: {name: _bare(row.get(name)) for name in fields} for one_id, row in rows.items()}


def _bare(value: Any) -> Any:
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def _plain_rows(engine: Columnar) -> dict[str, Any]:
    """Everything that must be equal, without the numbers that depend on arrival."""
    golden = {
        one_id: {name: value for name, value in row.items() if name not in {"person_no", "changed_run", "source_bits"}}
        for one_id, row in engine.golden().items()
    }
    return {
        "golden": golden,
        "sales": engine.sales(),
        "consents": engine.consents(),
        "contacts": engine.contacts(),
        "generic": engine.generic(),
        "lineage": engine.lineage(),
    }


def test_an_order_that_is_paid_later_keeps_its_customer() -> None:
    """An order-only customer must not get a new OneID because the order's status moved on."""
    placed = {
        "record_id": "1",
        "observed_at": datetime(2024, 1, 1, tzinfo=UTC),
        "ordered_at": datetime(2024, 1, 1, tzinfo=UTC),
        "status": "placed",
        "amount": 100,
        "identifiers": [{"type": "phone", "value": WANG_FANG.phone}],
    }
    paid = {**placed, "status": "paid", "observed_at": datetime(2024, 1, 2, tzinfo=UTC)}
    with engines(1) as (engine,):
        engine.run([("pos", "order", (placed,))])
        before = engine.one_ids()
        engine.run([("pos", "order", (paid,))])

        assert engine.one_ids() == before
        assert engine.lineage() == []


def test_a_deleted_and_restored_customer_gets_the_old_id_back() -> None:
    """A source that withdraws an order and brings it back must not cost the customer the OneID."""
    order = {
        "record_id": "1",
        "observed_at": datetime(2024, 1, 1, tzinfo=UTC),
        "ordered_at": datetime(2024, 1, 1, tzinfo=UTC),
        "status": "paid",
        "amount": 100,
        "identifiers": [{"type": "phone", "value": WANG_FANG.phone}],
    }
    with engines(1) as (engine,):
        engine.run([("pos", "order", (order,))])
        before = engine.one_ids()
        engine.run([("pos", "order", ({**order, "deleted": True, "observed_at": datetime(2024, 1, 2, tzinfo=UTC)},))])
        gone = engine.one_ids()
        engine.run([("pos", "order", ({**order, "observed_at": datetime(2024, 1, 3, tzinfo=UTC)},))])

        assert gone == {}
        assert engine.one_ids() == before
        assert [line[1] for line in engine.lineage()] == ["retired", "revived"]


def profile(record_id: str, day: str, *identifiers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a profile as it was seen on a day."""
    seen = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return {"record_id": record_id, "observed_at": seen, "identifiers": list(identifiers), **more}


def email(name: str) -> dict[str, Any]:
    """Write an e-mail address as a record carries it."""
    return {"type": "email", "value": f"{name}@mail.cn"}


def test_a_receivers_phone_does_not_join_those_who_held_its_hash_in_turn() -> None:
    """A nightly run must find the two hands of a recycled number again when its hash gets a plain number."""
    hashed = {"type": "phone_md5", "value": md5(WANG_FANG.phone)}
    first = profile("1", "2023-01-01", hashed, email("first"))
    second = profile("2", "2025-01-01", hashed, email("second"))
    others = [profile("3", "2025-01-02", email("first")), profile("4", "2025-01-02", email("second"))]
    receiver = profile("5", "2025-01-02", {"type": "phone", "value": WANG_FANG.phone, "role": "receiver"})
    with engines(1) as (engine,):
        engine.run([("crm", "profile", (first, second))])
        before = engine.one_ids()
        engine.run([("crm", "profile", (*others, receiver))])
        nightly = engine.one_ids()
        engine.run([], rebuild=True)

        assert len(set(before.values())) == 2
        assert {key: nightly[key] for key in before} == before
        assert engine.one_ids() == nightly


def test_a_nightly_run_refuses_the_links_that_a_rebuild_refuses() -> None:
    """Whoever asks why two are not one must get the same answer tomorrow."""
    phone = {"type": "phone", "value": WANG_FANG.phone}
    former = profile("1", "2023-01-01", phone)
    moved = profile("1", "2023-01-02", email("both"), name=LI_QIANG.name)
    later = profile("2", "2025-01-01", phone, name="赵敏")
    rival = profile("3", "2025-01-01", email("both"), name=WANG_FANG.name)
    with engines(1) as (engine,):
        engine.run([("crm", "profile", (former, moved, later))])
        engine.run([("crm", "profile", (rival,))])
        nightly = engine.conflicts()
        engine.run([], rebuild=True)

        assert engine.conflicts() == nightly
