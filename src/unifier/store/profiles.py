"""Keep the profile of what a source delivered in a run."""

from __future__ import annotations

import pyarrow as pa

from unifier.store.store import Store
from unifier.tables import PROFILES, quoted

_TABLE = PROFILES[0]


def write_profile(store: Store, source_no: int, profile: pa.Table, run_no: int) -> None:
    """Write the profile of one kind, with the columns of ``unifier.contract.profile.PROFILE``."""
    if not profile.num_rows:
        return
    names = [name for name in _TABLE.names if name not in {"run_no", "source_no"}]
    store.con.register("profiled", profile.select(names))
    try:
        with store.transaction():
            store.con.execute(
                "DELETE FROM field_profile WHERE run_no = ? AND source_no = ? AND kind IN (SELECT kind FROM profiled)",
                [run_no, source_no],
            )
            columns = ", ".join(map(quoted, names))
            store.con.execute(
                f"INSERT INTO field_profile (run_no, source_no, {columns}) SELECT ?, ?, {columns} FROM profiled",
                [run_no, source_no],
            )
    finally:
        store.con.unregister("profiled")
