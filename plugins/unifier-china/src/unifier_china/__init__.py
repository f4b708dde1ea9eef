"""What Chinese tills and wallets need: Alipay accounts as identifiers, and birthdays that can be believed."""

from __future__ import annotations

from unifier import IdentifierType, Survivorship, hookimpl

unifier_api = 1

_NO_DAY = "month_of(value) = 1 and right(value, 2) = '01'"
"""The first of January: what tills write where no birthday was given."""


@hookimpl
def unifier_identifiers() -> list[IdentifierType]:
    """Offer the Alipay user id, as Tmall's membership calls carry it; a person may have several accounts, like shop accounts of other platforms."""
    return [
        IdentifierType(
            "alipay_user_id",
            verified=1,
            own=1,
            max_per_person=3,
            generic_names=5,
            generic_profiles=20,
        )
    ]


@hookimpl
def unifier_survivorship() -> list[Survivorship]:
    """Offer ``believable``: a birthday with its year and not the first of January, then the one most often told."""
    points = f"case when left(value, 2) = '--' then 1 when {_NO_DAY} then 0 else 2 end"
    return [Survivorship("believable", f"{points} * 1000000 + carriers")]
