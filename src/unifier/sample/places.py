"""Invent where people live, and the retailer's stores, guides, campaigns and products."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from unifier.sample.draws import Ints, lognormal, spread
from unifier.sample.text import TIMESTAMP, Column, arrow, joined, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

CITIES: Final = (
    ("上海市", "上海市", "2000", 24, ("浦东新区", "徐汇区", "静安区", "闵行区")),
    ("北京市", "北京市", "1000", 22, ("朝阳区", "海淀区", "东城区", "丰台区")),
    ("广东省", "广州市", "5100", 18, ("天河区", "越秀区", "番禺区")),
    ("广东省", "深圳市", "5180", 18, ("南山区", "福田区", "龙岗区")),
    ("浙江省", "杭州市", "3100", 15, ("西湖区", "余杭区", "滨江区")),
    ("四川省", "成都市", "6100", 15, ("武侯区", "锦江区", "高新区")),
    ("江苏省", "南京市", "2100", 12, ("玄武区", "鼓楼区", "江宁区")),
    ("江苏省", "苏州市", "2150", 11, ("姑苏区", "吴中区", "昆山市")),
    ("湖北省", "武汉市", "4300", 11, ("武昌区", "江汉区", "洪山区")),
    ("重庆市", "重庆市", "4000", 11, ("渝中区", "江北区", "南岸区")),
    ("陕西省", "西安市", "7100", 9, ("雁塔区", "碑林区", "未央区")),
    ("山东省", "青岛市", "2660", 7, ("市南区", "崂山区")),
    ("湖南省", "长沙市", "4100", 7, ("岳麓区", "芙蓉区")),
    ("福建省", "厦门市", "3610", 6, ("思明区", "湖里区")),
    ("辽宁省", "沈阳市", "1100", 6, ("和平区", "沈河区")),
    ("河南省", "郑州市", "4500", 6, ("金水区", "二七区")),
)
STREETS: Final = (
    "人民路",
    "解放路",
    "中山路",
    "建设路",
    "和平路",
    "新华路",
    "文化路",
    "学府路",
    "滨河路",
    "长江路",
    "光明街",
    "花园街",
)

STORES: Final = 400
GUIDES_PER_STORE: Final = 5
CAMPAIGNS: Final = 60
PRODUCTS: Final = 500
CATEGORIES: Final = ("护肤", "彩妆", "香水", "女装", "男装", "鞋靴", "箱包", "母婴", "家居", "食品")
BRANDS: Final = ("澄野", "云栖记", "青岚", "木几", "南陌")
FESTIVALS: Final = ("春节", "女神节", "618", "七夕", "双十一", "双十二")
WAVES: Final = ("warm-up", "launch", "return")


class Places(NamedTuple):
    """Districts, one row each: the words of an address and the city it lies in."""

    province: list[str]
    city: list[str]
    district: list[str]
    postcode: list[str]
    city_of: Ints
    table: Ints
    """Places by population, to draw from."""


@cache
def places() -> Places:
    """Build the table of districts."""
    rows = [
        (province, city, district, f"{code}{10 * i + 10:02d}", number, people / len(districts))
        for number, (province, city, code, people, districts) in enumerate(CITIES)
        for i, district in enumerate(districts)
    ]
    province, city, district, postcode, number, people = (list(column) for column in zip(*rows, strict=True))
    return Places(province, city, district, postcode, np.array(number, dtype=np.int64), spread(people))


def addresses(place: Ints, street: Ints, house: Ints) -> Column:
    """Write the address lines of homes: district, street, number."""
    number = arrow(house + 1).cast(pa.string())
    return joined(spelled(place, places().district), spelled(street, STREETS), number, "号")


@cache
def store_cities() -> Ints:
    """Tell the city of each store, cities by population."""
    return spread([float(row[3]) for row in CITIES], slots=STORES)


@cache
def nearest_stores() -> Ints:
    """Tell for each city 64 places of store numbers there, to draw a home store from: cities by 64."""
    cities = store_cities()
    return np.array([np.resize(np.flatnonzero(cities == c), 64) for c in range(len(CITIES))], dtype=np.int64)


@cache
def vocabulary(prefix: str, size: int, width: int) -> tuple[str, ...]:
    """List the ids of reference records: S0001, S0002 and so on."""
    return tuple(f"{prefix}{number:0{width}d}" for number in range(1, size + 1))


STORE_IDS: Final = vocabulary("S", STORES, 4)
GUIDE_IDS: Final = vocabulary("G", STORES * GUIDES_PER_STORE, 5)
CAMPAIGN_IDS: Final = vocabulary("K", CAMPAIGNS, 3)
PRODUCT_IDS: Final = vocabulary("P", PRODUCTS, 5)


def product_prices() -> Ints:
    """Tell the list price of each product in fen."""
    table = lognormal(19_900.0, 0.8)
    return table[np.arange(PRODUCTS) * 2654435761 % len(table)] // 100 * 100


def product_names() -> list[str]:
    """Name each product: brand, category, number."""
    return [f"{BRANDS[i % len(BRANDS)]}{CATEGORIES[i % len(CATEGORIES)]}{i + 1:03d}" for i in range(PRODUCTS)]


def _table(ids: Sequence[str], as_of: dt.date, columns: dict[str, list[str] | Ints]) -> pa.Table:
    seen = dt.datetime.combine(as_of, dt.time(0), dt.UTC)
    envelope = {
        "record_id": arrow(list(ids)),
        "observed_at": arrow([seen] * len(ids), type=TIMESTAMP),
        "deleted": arrow([False] * len(ids)),
    }
    return pa.table(envelope | {name: arrow(values) for name, values in columns.items()})


def reference_tables(as_of: dt.date) -> dict[str, pa.Table]:
    """Build the reference data by kind: product, store, guide, campaign. It is the same in every world."""
    day = dt.timedelta(days=1)
    cities = [CITIES[c] for c in store_cities().tolist()]
    starts = [as_of - (CAMPAIGNS - i) * 18 * day for i in range(CAMPAIGNS)]
    return {
        "product": _table(
            PRODUCT_IDS,
            as_of,
            {
                "name": product_names(),
                "category": [CATEGORIES[i % len(CATEGORIES)] for i in range(PRODUCTS)],
                "brand": [BRANDS[i % len(BRANDS)] for i in range(PRODUCTS)],
                "price": product_prices(),
            },
        ),
        "store": _table(
            STORE_IDS,
            as_of,
            {
                "name": [f"{row[1][:-1]}{i + 1}店" for i, row in enumerate(cities)],
                "province": [row[0] for row in cities],
                "city": [row[1] for row in cities],
                "opened_on": [(as_of - (1500 + 7 * i) * day).isoformat() for i in range(STORES)],
            },
        ),
        "guide": _table(
            GUIDE_IDS,
            as_of,
            {
                "name": [f"导购{i + 1:05d}" for i in range(len(GUIDE_IDS))],
                "store": [STORE_IDS[i // GUIDES_PER_STORE] for i in range(len(GUIDE_IDS))],
            },
        ),
        "campaign": _table(
            CAMPAIGN_IDS,
            as_of,
            {
                "name": [f"{FESTIVALS[i % len(FESTIVALS)]}{start.year}" for i, start in enumerate(starts)],
                "starts_on": [start.isoformat() for start in starts],
                "ends_on": [(start + 14 * day).isoformat() for start in starts],
                "wave": [WAVES[i % len(WAVES)] for i in range(CAMPAIGNS)],
            },
        ),
    }
