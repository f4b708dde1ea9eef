"""Keep what was read and what follows from it, in one DuckDB file with a ledger.

The store knows transactions, landing, settling, marks, migrations and the lock, and how to run a step. It knows no
rule.
"""

from unifier.store.store import Store, open_store, read_only

__all__ = ["Store", "open_store", "read_only"]
