"""Offer an identifier type: how strong it is, how it is written, when it stops being trusted.

A plugin returns instances of `IdentifierType` from `unifier_identifiers`; the core's own types are made of the same.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

from unifier.errors import PluginError

if TYPE_CHECKING:
    from unifier.words import Role

Scope = Literal["none", "required", "optional"]
NormalForm = Literal["phone", "opaque", "lower_hex32", "lower_hex64", "email", "plate", "id_card", "card"]

CLASSES: Final = range(1, 7)
"""Evidence classes: 1 is the strongest."""

_LINKING_ROLES: Final = ("own", "staff")
_COUNTS: Final = ("max_per_person", "generic_names", "generic_exclusives", "generic_profiles", "recycle_after_days")


@dataclass(frozen=True, slots=True)
class IdentifierType:
    """Declare what a kind of identifier says about the person who carries it.

    `verified`, `own` and `staff` are evidence classes from 1 (strongest) to 6; None means that such evidence never
    links, except that a type without a verified class treats verified evidence like any other. Lengths count the
    characters of the normal form. A count of None means no limit.

    Raises `PluginError` when a class, count or length is impossible.
    """

    name: str
    _: KW_ONLY
    scope: Scope = "none"
    normal: NormalForm = "opaque"
    verified: int | None = None
    own: int | None = None
    staff: int | None = None
    max_per_person: int | None = None
    generic_names: int | None = None
    generic_exclusives: int | None = None
    generic_profiles: int | None = None
    recycle_after_days: int | None = None
    anchor: bool = False
    sensitive: bool = False
    channels: tuple[str, ...] = ()
    min_length: int = 1
    max_length: int = 256

    def __post_init__(self) -> None:
        subject = f"identifier type {self.name!r}"
        if self.normal not in get_args(NormalForm):
            raise PluginError(subject, f"unknown normal form {self.normal!r}", f"use one of {get_args(NormalForm)}")
        if self.scope not in get_args(Scope):
            raise PluginError(subject, f"unknown scope {self.scope!r}", f"use one of {get_args(Scope)}")
        for part in ("verified", "own", "staff"):
            evidence = getattr(self, part)
            if evidence is not None and evidence not in CLASSES:
                raise PluginError(subject, f"{part} is {evidence}", "evidence classes run from 1 to 6")
        for part in _COUNTS:
            count = getattr(self, part)
            if count is not None and count < 1:
                raise PluginError(subject, f"{part} is {count}", "use a positive number, or None for no limit")
        if not 1 <= self.min_length <= self.max_length:
            raise PluginError(subject, "lengths are out of order", "1 <= min_length <= max_length")

    @property
    def links(self) -> bool:
        """Tell whether any evidence of this type can join two records."""
        return any(part is not None for part in (self.verified, self.own, self.staff))

    @property
    def exclusive(self) -> bool:
        """Tell whether a person can have only one value of this type in a scope."""
        return self.max_per_person == 1

    def evidence_class(self, verified: bool, role: Role) -> int | None:
        """Return the class of one piece of evidence, or None when it never links.

        A receiver's or payer's value never links, whatever the type. A verified value counts as verified whoever typed
        it, because the source has checked that the person holds it.

        >>> IdentifierType("phone", verified=2, own=4, staff=5).evidence_class(verified=False, role="staff")
        5
        """
        if role not in _LINKING_ROLES:
            return None
        if verified and self.verified is not None:
            return self.verified
        return self.own if role == "own" else self.staff
