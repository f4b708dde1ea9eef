"""Orders that come as dicts with their lines inside: the lines become rows, and a line that changes is news."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from unifier.contract.records import from_dicts
from unifier.contract.tables import RECORD_TABLES
from unifier.identifiers import registry
from unifier.stages.extract import number
from unifier.store import Store, open_store
from unifier.store.landing import Arrival, land
from unifier.store.rules import Rules
from unifier.store.settle import settle

RULES = Rules(registry({}), {}, ("profile", "order"), b"secret")
AT = "2026-05-01T08:00:00Z"


class Shop:
    """A store that orders are delivered to, a run for each delivery."""

    def __init__(self, store: Store, checker: duckdb.DuckDBPyConnection) -> None:
        self.store = store
        self._checker = checker
        self._run_no = 0

    def deliver(self, **more: Any) -> tuple[int, int, int]:
        """Deliver one order; return how many were new, updated, unchanged."""
        self._run_no += 1
        row = {"record_id": "o1", "observed_at": AT, "ordered_at": AT, "status": "paid", "amount": 500, **more}
        checked = from_dicts(self._checker, [row], "order")
        source_no = number(self.store, "till")
        arrival = Arrival(source_no, "order", "", "order", "t", "0", "t", 1, checked.valid, checked.faults)
        land(self.store, arrival, self._run_no)
        settle(self.store, self._run_no, RULES)
        counts = self.store.con.execute(
            "SELECT new, updated, unchanged FROM run_stream WHERE run_no = ?", [self._run_no]
        ).fetchall()
        assert len(counts) == 1
        return int(counts[0][0]), int(counts[0][1]), int(counts[0][2])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read rows."""
        return self.store.con.execute(sql).fetchall()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Open an empty store."""
    store = open_store(tmp_path / "store.duckdb", threads=1)
    with duckdb.connect() as checker:
        store.create(RECORD_TABLES)
        RULES.install(store)
        yield Shop(store, checker)
    store.close()


LINES = [{"line_id": "a", "product_id": "P1", "quantity": 2, "amount": 300}, {"product_id": "P2", "amount": 200}]
PAYMENTS = [{"method": "wechat", "amount": 500}]


def test_lines_and_payments_of_a_dict_become_rows(shop: Shop) -> None:
    """Every figure by product and by means of payment stands on these rows."""
    assert shop.deliver(lines=LINES, payments=PAYMENTS) == (1, 0, 0)

    assert shop.rows("SELECT record_id, order_id, product_id, quantity, amount FROM order_line ORDER BY ALL") == [
        ("o1#2", "o1", "P2", None, 200),
        ("o1#a", "o1", "P1", 2.0, 300),
    ]
    assert shop.rows("SELECT record_id, order_id, method, amount FROM payment") == [("o1#1", "o1", "wechat", 500)]


@pytest.mark.parametrize(
    "changed",
    [
        [LINES[0] | {"amount": 301}, LINES[1]],
        [LINES[0] | {"quantity": None}, LINES[1]],
        [LINES[1], LINES[0]],
        [LINES[0]],
        [*LINES, {}],
    ],
)
def test_an_order_whose_lines_change_is_updated(shop: Shop, changed: list[dict[str, Any]]) -> None:
    """The header is the same to the last byte: only the lines tell that something was taken back."""
    shop.deliver(lines=LINES, payments=PAYMENTS)

    assert shop.deliver(lines=LINES, payments=PAYMENTS) == (0, 0, 1)
    assert shop.deliver(lines=changed, payments=PAYMENTS) == (0, 1, 0)

    amounts = [amount for (amount,) in shop.rows("SELECT amount FROM order_line")]
    assert sorted(map(str, amounts)) == sorted(str(line.get("amount")) for line in changed)
    assert len(shop.rows("SELECT 1 FROM payment")) == 1
