"""Invent Chinese names, and the ways in which a counter or a form gets them wrong."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unifier.sample import rates
from unifier.sample.draws import Ints, chance, draw, spread
from unifier.sample.text import Column, arrow, joined, overlay, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence


def words_of(line: str) -> tuple[str, ...]:
    """Split a line into its words."""
    return tuple(line.split())


SURNAMES = words_of(
    "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 赵zhao 吴wu 周zhou 徐xu 孙sun 马ma 朱zhu 胡hu 郭guo "
    "何he 林lin 高gao 罗luo 郑zheng 梁liang 谢xie 宋song 唐tang 许xu 邓deng 韩han 冯feng 曹cao 彭peng 曾zeng "
    "肖xiao 田tian 董dong 潘pan 袁yuan 蔡cai 蒋jiang 余yu 于yu 杜du 叶ye 程cheng 魏wei 苏su 吕lü 丁ding "
    "任ren 卢lu 姚yao 沈shen 钟zhong 姜jiang 崔cui 谭tan 陆lu 范fan 汪wang 廖liao 石shi 金jin 韦wei 贾jia "
    "夏xia 付fu 方fang 邹zou 熊xiong 白bai 孟meng 秦qin 邱qiu 侯hou 江jiang 尹yin 薛xue 闫yan 段duan 雷lei "
    "龙long 黎li 史shi 陶tao 贺he 毛mao 郝hao 顾gu 龚gong 邵shao 万wan 覃qin 武wu 钱qian 戴dai 严yan 莫mo "
    "孔kong 向xiang 常chang 欧阳ouyang 上官shangguan 司马sima 诸葛zhuge"
)
MALE = words_of(
    "伟wei 强qiang 磊lei 军jun 勇yong 杰jie 涛tao 超chao 明ming 刚gang 平ping 辉hui 鹏peng 华hua 飞fei 鑫xin "
    "波bo 斌bin 宇yu 浩hao 凯kai 健jian 俊jun 帆fan 帅shuai 旭xu 宁ning 龙long 林lin 峰feng 建jian 国guo "
    "志zhi 文wen 海hai 东dong 子zi 晨chen 泽ze 轩xuan 博bo 睿rui 昊hao 天tian 一yi 家jia 嘉jia 瑞rui 松song "
    "柏bo 清qing 远yuan 航hang 毅yi 成cheng 思si 哲zhe 振zhen 兴xing 庆qing"
)
FEMALE = words_of(
    "芳fang 娜na 敏min 静jing 丽li 艳yan 娟juan 霞xia 秀xiu 英ying 玲ling 燕yan 红hong 梅mei 莉li 兰lan "
    "洁jie 云yun 莹ying 雪xue 琳lin 晶jing 倩qian 颖ying 婷ting 慧hui 丹dan 萍ping 蕾lei 佳jia 欣xin 怡yi "
    "悦yue 雨yu 涵han 诗shi 梦meng 瑶yao 璐lu 琪qi 妍yan 彤tong 可ke 心xin 晓xiao 春chun 秋qiu 月yue 蓉rong "
    "菲fei 薇wei 岚lan 宁ning 思si 雅ya 文wen 凤feng 珍zhen 淑shu 玉yu"
)
TITLES = (("先生", "老板", "经理"), ("女士", "小姐", "太太"))
REMARKS = ("(退卡)", "（补卡）", "(VIP)", "（老客户）", "(已换号)")


class Names(NamedTuple):
    """The words of names: `given` holds the male names, then as many female ones; columns of equal length."""

    surname: Column
    surname_pinyin: Column
    given: Column
    given_pinyin: Column
    slip: Ints
    """Given name with its last character wrong; a one-character name stays."""

    per_gender: int


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part each word into its Han characters and its pinyin."""
    cuts = [next(i for i, letter in enumerate(word) if letter < "\u3000") for word in words]
    pairs = list(zip(words, cuts, strict=True))
    return [word[:cut] for word, cut in pairs], [word[cut:] for word, cut in pairs]


@cache
def names() -> Names:
    """Build the tables of surnames and of one and two character given names."""
    given: list[str] = []
    pinyin: list[str] = []
    slip: list[int] = []
    for characters in (MALE, FEMALE):
        han, latin = _parted(characters)
        base, count = len(given), len(han)
        slip += [base + i for i in range(count)]
        slip += [base + count + i * count + (j + 1) % count for i in range(count) for j in range(count)]
        given += han + [a + b for a in han for b in han]
        pinyin += [part.title() for part in latin + [a + b for a in latin for b in latin]]
    surname, surname_pinyin = _parted(SURNAMES)
    return Names(
        arrow(surname),
        arrow([part.title() for part in surname_pinyin]),
        arrow(given),
        arrow(pinyin),
        np.array(slip, dtype=np.int64),
        len(given) // 2,
    )


def surname_table() -> Ints:
    """Tabulate surnames by how common they are: the first twenty are half of the people."""
    return spread([1 / (rank + 6) for rank in range(len(SURNAMES))])


def draw_given(rng: np.random.Generator, gender: Ints) -> Ints:
    """Draw a given name for each person: one in five has a single character. Gender is 0 (male) or 1 (female)."""
    singles, per_gender = len(MALE), names().per_gender
    double = singles + (rng.integers(0, per_gender - singles, len(gender), dtype=np.uint16)).astype(np.int64)
    single = rng.integers(0, singles, len(gender), dtype=np.uint16).astype(np.int64)
    return gender * per_gender + np.where(chance(rng, 0.2, len(gender)), single, double)


def written(rng: np.random.Generator, surname: Ints, given: Ints) -> Column:
    """Write names as the sources hold them: most are right, a few wrong in one of the four usual ways."""
    table, size = names(), len(surname)
    wrong = [rates.NAME_WRONG_CHARACTER, rates.NAME_TITLE, rates.NAME_REMARK, rates.NAME_PINYIN]
    fault = draw(rng, spread([1 - sum(wrong), *wrong]), size)
    variant = draw(rng, spread([1.0] * len(REMARKS)), size)
    spelled_given = np.where(fault == 1, table.slip[given], given)
    plain = joined(spelled(surname, table.surname), spelled(spelled_given, table.given))
    title, remark, latin = (np.flatnonzero(fault == code) for code in (2, 3, 4))
    female = given[title] // table.per_gender
    titles = spelled(female * 3 + variant[title] % 3, [word for row in TITLES for word in row])
    return overlay(
        plain,
        [
            (title, joined(spelled(surname[title], table.surname), titles)),
            (remark, joined(plain.take(arrow(remark)), spelled(variant[remark], REMARKS))),
            (
                latin,
                joined(
                    spelled(surname[latin], table.surname_pinyin), spelled(given[latin], table.given_pinyin), by=" "
                ),
            ),
        ],
    )
