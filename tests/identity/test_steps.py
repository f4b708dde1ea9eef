"""Steps say what they read: a relation is dropped once no later step says so."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from unifier.golden import steps as golden
from unifier.identity import steps as identity
from unifier.relations import Step

FIXED = [
    *identity.reach(1),
    *identity.reach(0),
    *identity.evidence(1, profile_founds=True),
    *identity.values(1),
    *identity.values(0),
    *identity.conflicts(),
    *identity.limits(),
    *identity.persons(b"secret", 1),
    *golden.sales(1, "CNY", "Asia/Shanghai"),
    *golden.sales(0, "CNY", "Asia/Shanghai"),
    *golden.golden(),
    *golden.contacts(),
]


def relations(sql: str) -> set[str]:
    """Name the relations that a statement reads, its own CTEs aside."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    return {one.name for one in tree.find_all(exp.Table)} - {one.alias for one in tree.find_all(exp.CTE)}


@pytest.mark.parametrize("step", [pytest.param(step, id=step.name) for step in FIXED if isinstance(step, Step)])
def test_a_step_names_what_it_reads_and_nothing_else(step: Step) -> None:
    """What a step reads in secret may be gone before it runs; what it names in vain is held for nothing."""
    assert set(step.reads) == relations(step.sql)
