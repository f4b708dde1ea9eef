"""Collisions: an engine hash only finds candidates, so a hash that is far too short may cost time but change nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from properties.blocks import Block, block
from properties.engine import Columnar
from properties.seeds import SEED
from reference.worlds import SETTINGS

from unifier.identifiers import registry
from unifier.store import settle

WORLDS: Final = 1_000
BITS: Final = 12


@contextmanager
def engine(folder: Path) -> Iterator[Columnar]:
    """Open an empty store."""
    folder.mkdir()
    opened = Columnar(folder / "store.duckdb", registry(SETTINGS), {})
    try:
        yield opened
    finally:
        opened.store.close()


def settled(folder: Path, worlds: Block) -> tuple[list[Any], int]:
    """Settle run by run; tell what became of every version and what stands in the store, and how many records collide."""
    with engine(folder) as opened:
        told: list[Any] = []
        for run in range(1, len(worlds.as_of) + 1):
            dice = random.Random(run)
            opened.run(worlds.delivered(run, dice), shuffle=dice, settle_once=True)
            told += [sorted(opened.fates), opened.records(), opened.evidence(), opened.one_ids()]
        sql = "SELECT new, updated, unchanged, stale, repeated FROM run_stream ORDER BY run_no, source_no, stream"
        collided = opened.store.one(f"SELECT count(*) - count(DISTINCT {settle.CANDIDATE}) FROM profile")
        return [*told, opened.rows(sql)], collided


def test_a_hash_of_twelve_bits_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four bits collide once in many years, and then nobody would know: twelve collide in every settle."""
    worlds = block(f"{SEED}/collisions", WORLDS, settles_once=True, runs=2)
    wanted, _ = settled(tmp_path / "long", worlds)
    monkeypatch.setattr(settle, "CANDIDATE", f"({settle.CANDIDATE}) % {2**BITS}")

    found, collided = settled(tmp_path / "short", worlds)

    assert found == wanted
    assert collided > 100


def test_records_that_collide_but_differ_are_new_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hash of no bits at all every record is a candidate for every other: what is new must still be new."""
    monkeypatch.setattr(settle, "CANDIDATE", "0")
    at = "2026-05-01T08:00:00+00:00"
    fresh = [{"record_id": f"p{n}", "observed_at": at, "name": "王芳"} for n in range(300)]
    with engine(tmp_path / "store") as opened:
        opened.run([("crm", "profile", fresh), ("wechat", "profile", fresh)], settle_once=True)
        first = opened.fates
        opened.run([("crm", "profile", [*fresh, {**fresh[0], "name": "李强"}])], settle_once=True)

    assert sorted(first) == sorted((one["record_id"], "new") for one in [*fresh, *fresh])
    assert sorted(fate for _, fate in opened.fates) == ["stale"] + ["unchanged"] * 299 + ["updated"]
