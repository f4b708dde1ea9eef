"""The stages of a customer's life: new, active, loyal, dormant, lost, returned; by the days of purchases alone.

A person is in one stage, the first of these that holds, and in none before the first purchase:

- **lost**: nothing bought for more than ``lost``;
- **dormant**: nothing bought for more than ``dormant``;
- **returned**: the last purchase ended a pause of more than ``dormant``; the next one makes them active again;
- **new**: the first purchase is no more than ``new`` ago;
- **loyal**: at least ``loyal_orders`` purchases within ``loyal_window``;
- **active**: all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from unifier import Definition, hookimpl
from unifier.errors import ConfigError

if TYPE_CHECKING:
    import click

_DAYS: Final = {"type": "string", "pattern": "^[1-9][0-9]{0,4}d$"}
_USUAL: Final = {"new": "90d", "dormant": "180d", "lost": "365d", "loyal_orders": 4, "loyal_window": "365d"}

unifier_api = 1
unifier_config_schema: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "new": {**_DAYS, "description": "Days after the first purchase in which somebody is new."},
        "dormant": {**_DAYS, "description": "Days without a purchase after which somebody is dormant."},
        "lost": {**_DAYS, "description": "Days without a purchase after which somebody is lost; more than dormant."},
        "loyal_orders": {"type": "integer", "minimum": 2, "description": "Purchases that make somebody loyal,"},
        "loyal_window": {**_DAYS, "description": "made within so many days."},
    },
}

STAGES: Final = {
    "new": ("新客", "New"),
    "active": ("活跃", "Active"),
    "loyal": ("忠诚", "Loyal"),
    "returned": ("回流", "Returned"),
    "dormant": ("沉睡", "Dormant"),
    "lost": ("流失", "Lost"),
}


@hookimpl
def unifier_tags(settings: Mapping[str, Any]) -> list[Definition]:
    """Offer the stage, with its history, and what it is made of; raise ConfigError where spans contradict each other."""
    given = {**_USUAL, **settings}
    new, dormant, lost = (int(str(given[name])[:-1]) for name in ("new", "dormant", "lost"))
    if lost <= dormant:
        raise ConfigError("lifecycle", f"lost ({lost}d) is no longer than dormant ({dormant}d)", "let lost be longer")
    stage = (
        f"case when life_last_on is null then null when days_since(life_last_on) > {lost} then 'lost' "
        f"when days_since(life_last_on) > {dormant} then 'dormant' when life_pause > {dormant} then 'returned' "
        f"when days_since(life_first_on) <= {new} then 'new' "
        f"when life_orders >= {given['loyal_orders']} then 'loyal' else 'active' end"
    )
    return [
        _tag("life_first_on", "首购日", "Day of the first purchase", "min(sale.day)"),
        _tag("life_last_on", "最近购买日", "Day of the last purchase", "max(sale.day)"),
        _tag("life_before_on", "上次购买日", "Day of the purchase before the last", "last_but_one(sale.day)"),
        _tag("life_pause", "购买间隔", "Days between the last two", "days_between(life_before_on, life_last_on)"),
        {
            **_tag("life_orders", "近期购买次数", "Purchases that count for loyalty", "count(sale.record_id)"),
            "window": given["loyal_window"],
        },
        {**_tag("life_stage", "生命周期阶段", "Stage of life", stage), "history": True},
    ]


@hookimpl
def unifier_segments() -> list[Definition]:
    """Offer a segment for each stage; entering and leaving them are the transitions."""
    return [
        {"name": f"life_{name}", "title": {"zh": f"{zh}客户", "en": en}, "where": f"life_stage = '{name}'"}
        for name, (zh, en) in STAGES.items()
    ]


@hookimpl
def unifier_commands() -> list[click.Command]:
    """Offer the command that prints the transitions."""
    from unifier_lifecycle.moves import lifecycle

    return [lifecycle]


def _tag(name: str, zh: str, en: str, value: str) -> dict[str, Any]:
    title = {"zh": zh, "en": en}
    return {"name": name, "title": title, "class": "lifecycle", "owner": "unifier-lifecycle", "value": value}
