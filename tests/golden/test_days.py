"""The local day of a sale: a till in Shanghai closes its day eight hours before London does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from unifier.golden.steps import local_day


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/London", "America/New_York", "Asia/Kolkata"])
def test_the_local_day_is_that_of_the_zone(zone: str) -> None:
    """Summer time moves the midnight; a sale just before it belongs to the day that ends."""
    start = datetime(2023, 1, 1, tzinfo=UTC)
    times = [start + timedelta(minutes=37 * n) for n in range(30_000)]
    con = duckdb.connect()
    con.execute("CREATE TABLE sale (moment TIMESTAMP)")
    con.execute("INSERT INTO sale SELECT unnest(?)", [[at.replace(tzinfo=None) for at in times]])

    days = [row[0] for row in con.execute(f"SELECT {local_day('moment', zone)} FROM sale").fetchall()]

    assert days == [at.astimezone(ZoneInfo(zone)).date() for at in times]
