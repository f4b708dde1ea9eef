"""Recency, frequency and monetary value: three scores, the cell of a buyer, and the eight named groups.

Scores are quantiles of the people who bought within the window, equal values getting the same score. Where most bought
once, quantiles of frequency would put nearly everybody into one band; so, as Miglautsch (*Thoughts on RFM scoring*,
Journal of Database Marketing 8(1), 2000) advises, single purchases are score 1 by themselves, and the quantiles of
those who came back share the other scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from unifier import Definition, hookimpl

if TYPE_CHECKING:
    import click

unifier_api = 1
unifier_config_schema: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "window": {
            "type": "string",
            "pattern": "^[1-9][0-9]{0,4}d$",
            "default": "365d",
            "description": "Days back from the day of the run; purchases before it count for nothing.",
        },
        "bands": {
            "type": "integer",
            "minimum": 2,
            "maximum": 9,
            "default": 5,
            "description": "Scores run from 1 to this.",
        },
    },
}

GROUPS: Final = {
    "important_value": ("重要价值", "Champions", (True, True, True)),
    "important_develop": ("重要发展", "Important, to develop", (True, False, True)),
    "important_keep": ("重要保持", "Important, to keep", (False, True, True)),
    "important_retain": ("重要挽留", "Important, to retain", (False, False, True)),
    "general_value": ("一般价值", "General value", (True, True, False)),
    "general_develop": ("一般发展", "General, to develop", (True, False, False)),
    "general_keep": ("一般保持", "General, to keep", (False, True, False)),
    "general_retain": ("一般挽留", "General, to retain", (False, False, False)),
}
"""Chinese and English title of each group; whether recency, frequency and money are high in it."""
_SCORES: Final = ("rfm_r", "rfm_f", "rfm_m")


@hookimpl
def unifier_tags(settings: Mapping[str, Any]) -> list[Definition]:
    """Offer what is scored, the scores, the cell and the group; null for who bought nothing within the window."""
    window, bands = settings.get("window", "365d"), int(settings.get("bands", 5))
    return [
        _fact("rfm_last_on", "最近购买日", "Day of the last purchase", "max(sale.day)", window),
        _fact("rfm_orders", "购买次数", "Purchases", "count(sale.record_id)", window),
        _fact("rfm_spent", "购买金额", "Spent", "sum(sale.net_amount)", window),
        _tag("rfm_r", "R 分", "Recency score", f"quantile_band(rfm_last_on, {bands})"),
        _tag("rfm_repeat_band", "复购分位", "Band among who came back", _repeat_band(bands)),
        _tag("rfm_f", "F 分", "Frequency score", "case when rfm_orders = 1 then 1 else rfm_repeat_band + 1 end"),
        _tag("rfm_m", "M 分", "Monetary score", f"quantile_band(rfm_spent, {bands})"),
        _tag("rfm_cell", "RFM 格", "Cell, such as 543", "rfm_r * 100 + rfm_f * 10 + rfm_m"),
        {**_tag("rfm_group", "RFM 客群", "RFM group", _group(bands)), "history": True},
    ]


@hookimpl
def unifier_segments() -> list[Definition]:
    """Offer a segment for each of the eight groups."""
    return [
        {"name": f"rfm_{name}", "title": {"zh": f"{zh}客户", "en": en}, "where": f"rfm_group = '{name}'"}
        for name, (zh, en, _) in GROUPS.items()
    ]


@hookimpl
def unifier_commands() -> list[click.Command]:
    """Offer the command that prints the grid."""
    from unifier_rfm.grid import rfm

    return [rfm]


def _tag(name: str, zh: str, en: str, value: str) -> dict[str, Any]:
    return {"name": name, "title": {"zh": zh, "en": en}, "class": "value", "owner": "unifier-rfm", "value": value}


def _fact(name: str, zh: str, en: str, value: str, window: str) -> dict[str, Any]:
    return {**_tag(name, zh, en, value), "window": window}


def _repeat_band(bands: int) -> str:
    """Write the band among those who bought at least twice; with two scores all of them are in the upper one.

    >>> _repeat_band(5)
    'quantile_band(if(rfm_orders > 1, rfm_orders, null), 4)'
    """
    if bands == len(("low", "high")):
        return "if(rfm_orders > 1, 1, null)"
    return f"quantile_band(if(rfm_orders > 1, rfm_orders, null), {bands - 1})"


def _group(bands: int) -> str:
    """Write the group: a score is high above the middle of the scale."""
    branches = []
    for name, (_, _, high) in GROUPS.items():
        tests = [
            f"{score} * 2 {'>' if is_high else '<='} {bands + 1}" for score, is_high in zip(_SCORES, high, strict=True)
        ]
        branches.append(f"when {' and '.join(tests)} then '{name}'")
    return f"case {' '.join(branches)} end"
