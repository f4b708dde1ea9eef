"""Names never join people, but they keep strangers apart; both depend on what a full name is."""

from __future__ import annotations

import pyarrow as pa
import pytest
from cast import CAST, LI_QIANG, OUYANG_XUE, SHAN_YING, WANG_FANG, ZHAO_JING, ZHAO_MIN

from unifier.identifiers import name_key, names_agree, pinyin_agree, surname


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("王芳", "王芳"),
        (" 王　芳 ", "王芳"),
        ("王芳(退卡)", "王芳"),
        ("王芳（已换号", "王芳"),
        ("【微信】王芳", "王芳"),
        ("王芳女士", "王芳"),
        ("李强总", "李强"),
        ("VIP王芳", "王芳"),
        ("欧阳 小雪", "欧阳小雪"),
        ("阿依古丽·买买提", "阿依古丽买买提"),
        ("⾼芳", "高芳"),
        ("fang  wang", "FANG WANG"),
        ("Wang, Fang", "WANG FANG"),
        ("Wáng Fāng", "WANG FANG"),
        ("Ｗａｎｇ Fang", "WANG FANG"),
        ("Ms. Fang Wang", "FANG WANG"),
        ("WangFang", "WANGFANG"),
        ("O'Brien Ann", "OBRIEN ANN"),
    ],
)
def test_a_full_name_has_a_key(raw: str, key: str) -> None:
    """Blanks, remarks and titles must not make two people of one."""
    assert name_key(raw) == key


@pytest.mark.parametrize(
    "raw",
    [
        *(
            None,
            "",
            "王",
            "王女士",
            "欧阳先生",
            "欧阳",
            "先生",
            "王总",
            "小王",
            "老李",
            "芳姐",
            "张*",
            "张XX",
            "王?芳",
            "王\ufffd",
        ),
        *(
            "测试",
            "测试用户",
            "微信用户",
            "淘宝用户123",
            "匿名",
            "未知",
            "顾客",
            "某公司",
            "王芳的妈妈",
            "王芳妈妈",
            "李强太太",
        ),
        *(
            "test",
            "Test User",
            "N/A",
            "null",
            "12345",
            "Sunny",
            "Lily🌸",
            "user123",
            "wx_abc",
            "Иван Иванов",
            "たなか はな",
        ),
        *("王芳/李强", "王芳、李强", "快乐生活每一天", "A B", "锟斤拷", "(王芳)"),
    ],
)
def test_what_is_no_full_name_has_no_key(raw: str | None) -> None:
    """A nickname or title with a key would veto the links of its own person."""
    assert name_key(raw) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("王女士", "王"),
        ("老王", "王"),
        ("张*", "张"),
        ("欧阳雪", "欧阳"),
        ("王芳", "王"),
        ("先生", None),
        ("微信用户", None),
        ("Wang Fang", None),
        (None, None),
    ],
)
def test_a_surname_is_found_without_a_given_name(raw: str | None, expected: str | None) -> None:
    """Title for given name is the commonest partial name."""
    assert surname(raw) == expected


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        (WANG_FANG.name, WANG_FANG.name, True),
        (WANG_FANG.name, LI_QIANG.name, False),
        (ZHAO_MIN.name, ZHAO_JING.name, False),
        ("王小芳", "王晓芳", True),
        ("王小芳", "王晓方", False),
        ("王小芳", "王芳", False),
        ("WANG FANG", "FANG WANG", True),
        ("WANG FANG", "WANG FENG", True),
        ("LI NA", "LU NI", False),
        ("WANG FANG", "LI QIANG", False),
        (OUYANG_XUE.name, "XUE OUYANG", True),
        (OUYANG_XUE.name, "OUYANGXUE", True),
        (SHAN_YING.name, "DAN YING", True),
        (SHAN_YING.name, "YING SHAN", True),
        ("吕芳", "LV FANG", True),
        ("吕芳", "FANG LYU", True),
        (WANG_FANG.name, "WANG FENG", False),
        (WANG_FANG.name, LI_QIANG.pinyin, False),
    ],
)
def test_variants_of_a_name_agree(left: str, right: str, agree: bool) -> None:
    """One wrong character, order and pinyin are variants; two characters are too few to be wrong in one."""
    assert (names_agree(left, right), names_agree(right, left)) == (agree, agree)


def test_everybody_agrees_with_their_own_pinyin_and_nobody_elses() -> None:
    """The columnar answer equals the plain one over all pairs of the cast."""
    pairs = [(a.name, b.pinyin) for a in CAST for b in CAST]
    table = pa.table({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]})

    assert pinyin_agree(table).to_pylist() == [names_agree(a, b) for a, b in pairs]
    assert pinyin_agree(table).to_pylist().count(True) == len(CAST)


def test_pinyin_says_nothing_about_one_script_or_none() -> None:
    """Those pairs are SQL's; a null name agrees with nobody."""
    table = pa.table({"a": ["王芳", "WANG FANG", None, "王芳"], "b": ["王芳", "WANG FANG", "王芳", "WANG FANG"]})

    assert pinyin_agree(table).to_pylist() == [False, False, False, True]
