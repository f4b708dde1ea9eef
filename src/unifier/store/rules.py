"""Lay the identifier types beside the evidence, as small relations that steps can join."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pyarrow as pa

from unifier.offers.identifier import IdentifierType
from unifier.store.store import Store
from unifier.words import ROLES

ROLE_NUMBERS = {role: number for number, role in enumerate(ROLES)}
"""Roles as they stand in the link table; the smaller number is the stronger role."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how evidence is read: identifier types, brand keys, which kinds found a person, the project key."""

    types: Mapping[str, IdentifierType]
    keys: Mapping[str, str]
    found: tuple[str, ...]
    secret: bytes

    @property
    def hash(self) -> str:
        """Hash of everything that changes how evidence is read."""
        body = json.dumps(
            {
                "types": {name: asdict(kind) for name, kind in self.types.items()},
                "keys": {name: hashlib.sha256(key.encode()).hexdigest() for name, key in self.keys.items()},
                "found": list(self.found),
            },
            sort_keys=True,
        )
        return hashlib.sha256(body.encode()).hexdigest()[:16]

    def install(self, store: Store) -> None:
        """Number the types and fill ``type_rule`` and ``class_rule``."""
        known = {row[0] for row in store.con.execute("SELECT name FROM identifier_type").fetchall()}
        for name in sorted(set(self.types) - known):
            store.con.execute(
                "INSERT INTO identifier_type SELECT coalesce(max(type_no), 0) + 1, ? FROM identifier_type", [name]
            )
        numbers = dict(store.con.execute("SELECT name, type_no FROM identifier_type").fetchall())
        store.bring("type_rule", self._type_rule(numbers))
        store.bring("class_rule", self._class_rule(numbers))

    def _type_rule(self, numbers: Mapping[str, int]) -> pa.Table:
        kinds = [self.types[name] for name in sorted(self.types)]
        return pa.table(
            {
                "type_no": pa.array([numbers[kind.name] for kind in kinds], pa.int16()),
                "type": pa.array([kind.name for kind in kinds]),
                "scoped": pa.array([kind.scope != "none" for kind in kinds]),
                "exclusive": pa.array([kind.exclusive for kind in kinds]),
                "max_per_person": pa.array([kind.max_per_person for kind in kinds], pa.int32()),
                "generic_names": pa.array([kind.generic_names for kind in kinds], pa.int32()),
                "generic_exclusives": pa.array([kind.generic_exclusives for kind in kinds], pa.int32()),
                "generic_profiles": pa.array([kind.generic_profiles for kind in kinds], pa.int32()),
                "recycle_days": pa.array([kind.recycle_after_days for kind in kinds], pa.int32()),
                "anchor": pa.array([kind.anchor for kind in kinds]),
                "sensitive": pa.array([kind.sensitive for kind in kinds]),
            }
        )

    def _class_rule(self, numbers: Mapping[str, int]) -> pa.Table:
        rows = [
            (numbers[kind.name], ROLE_NUMBERS[role], verified, kind.evidence_class(verified, role))
            for kind in self.types.values()
            for role in ROLES
            for verified in (False, True)
        ]
        columns = list(zip(*rows, strict=True))
        return pa.table(
            {
                "type_no": pa.array(columns[0], pa.int16()),
                "role": pa.array(columns[1], pa.int8()),
                "verified": pa.array(columns[2], pa.bool_()),
                "class": pa.array(columns[3], pa.int8()),
            }
        )
