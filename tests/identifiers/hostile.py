"""Hypothesis strategies for what people and systems put into identifier fields."""

from __future__ import annotations

import random

from cast import CAST
from hypothesis import settings
from hypothesis import strategies as st

TWO_ROADS = settings(print_blob=True, deadline=None, max_examples=15)
"""Few examples, each a long list: one query judges the whole list."""

_BITS = (
    *(person.phone for person in CAST),
    *(person.name for person in CAST),
    *(person.pinyin for person in CAST),
    *("+86", "86", "0086", "0", "00", "010", "021", "400", "1", "12", "123", "62345678", "8000", "138", "199"),
    *("****", "*", "xx", "xxxx", "x", "X", "转", "分机", "ext.", "#", "(妻)", "（夫）", "[", "]", "(", ")", "tel:"),
    *(" ", "  ", "-", ".", ".0", "/", "、", ",", "，", ";", "|", "'", '"', "=", "+", "e+10", "E+10", "1.9900000001"),
    *(
        "１９９",
        "００００",
        "　",
        "\u200b",
        "\ufeff",
        "\x00",
        "\n",
        "\t",
        "\r",
        "\xa0",
        "\ufffd",
        "锟斤拷",
        "①",
        "𝟙",
        "⾼",
        "豈",
    ),
    *(
        "先生",
        "女士",
        "小姐",
        "老师",
        "总",
        "的",
        "妈妈",
        "测试",
        "微信用户",
        "欧阳",
        "小",
        "老",
        "·",
        "(退卡)",
        "【",
        "】",
        "张",
        "三",
    ),
    *("Wáng", "FANG", "o'", "Mr.", "test", "null", "无", "-", "n/a", "ß", "ı", "K", "ſ", "é", "e\u0301", "ﬁ", "Ø"),
    *(
        "@",
        "mail.cn",
        "test@test.com",
        "a.b",
        "京",
        "沪A",
        "12345",
        "D",
        "A",
        "oAAAAAA",
        "0000",
        "9999",
        "f" * 32,
        "%",
        "_",
    ),
    *("11010519491231002X", "340524800101001", "34052419800101001x", "10086", "😀", "ё", "ア", "한"),
)

soup = st.lists(st.sampled_from(_BITS), max_size=6).map("".join)
"""Plausible bits in implausible orders: this is where parsers break."""

numbers = st.text(alphabet="0123456789 -+.()/x*", max_size=24)
hostile = st.one_of(soup, numbers, st.text(max_size=20), st.sampled_from(_BITS))
many = st.lists(hostile, min_size=40, max_size=160)


def texts(draw: random.Random, count: int) -> list[str]:
    """Draw such text without Hypothesis, a thousand times as fast: soup, numbers, and letters from anywhere."""
    made = []
    for _ in range(count):
        kind = draw.randrange(4)
        if kind < 2:
            made.append("".join(draw.choices(_BITS, k=draw.randint(0, 6))))
        elif kind == 2:
            made.append("".join(draw.choices("0123456789 -+.()/x*", k=draw.randint(0, 24))))
        else:
            made.append("".join(_letter(draw) for _ in range(draw.randint(0, 20))))
    return made


def _letter(draw: random.Random) -> str:
    """Draw a letter: of any plane, but mostly where text is; half of a surrogate pair is no letter."""
    top = draw.choice((0x7F, 0x7F, 0x2FF, 0x9FFF, 0xFFFF, 0x10FFFF))
    letter = chr(draw.randint(0, top))
    return "�" if "\ud800" <= letter <= "\udfff" else letter
