"""The cast: the invented people who play in every test, so that a failure means something.

Phones of the cast, and only of the cast, lie in 19900000000..19900009999. Nobody here exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who plays in tests. `role` says what the person is there for."""

    name: str
    pinyin: str
    gender: str
    birthday: str
    phone: str
    email: str
    unionid: str
    role: str


WANG_FANG: Final = Person(
    "王芳", "WANG FANG", "female", "1988-03-08", "19900000001", "wang.fang@mail.cn", "oWANGfang0001", "the member"
)
LI_QIANG: Final = Person(
    "李强", "LI QIANG", "male", "1985-11-02", "19900000002", "li.qiang@mail.cn", "oLIqiang00002", "the other member"
)
ZHANG_XIAOMING: Final = Person(
    "张小明", "ZHANG XIAOMING", "male", "2012-06-01", "19900000003", "", "", "the child on a parent's phone"
)
ZHAO_MIN: Final = Person(
    "赵敏", "ZHAO MIN", "female", "1990-09-17", "19900000004", "zhao.min@mail.cn", "oZHAOmin00004", "twin of 赵敬"
)
ZHAO_JING: Final = Person(
    "赵敬", "ZHAO JING", "female", "1990-09-17", "19900000004", "zhao.jing@mail.cn", "oZHAOjing0005", "twin of 赵敏"
)
OUYANG_XUE: Final = Person(
    "欧阳雪",
    "OUYANG XUE",
    "female",
    "1979-12-30",
    "19900000006",
    "ouyang.xue@mail.cn",
    "oOUYANGxue006",
    "two-character surname",
)
SHAN_YING: Final = Person(
    "单颖", "SHAN YING", "female", "1995-05-20", "19900000007", "", "oSHANying0007", "surname read in three ways"
)
CHEN_JIE: Final = Person(
    "陈杰", "CHEN JIE", "male", "1992-02-29", "19900000008", "", "", "the clerk whose phone is on many records"
)

CAST: Final = (WANG_FANG, LI_QIANG, ZHANG_XIAOMING, ZHAO_MIN, ZHAO_JING, OUYANG_XUE, SHAN_YING, CHEN_JIE)

RECYCLED_PHONE: Final = "19900000009"
"""Li Qiang's until 2023, Shan Ying's since 2024."""

HOTLINE: Final = "19900000099"
"""The shop's number, typed where a customer has none."""
