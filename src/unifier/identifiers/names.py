"""Find the key of a person's full name, and tell whether two keys can be one person's.

A key is Han only or Latin only. What is not a full name has no key: a title for the given name, a nickname, a masked or
unreadable name, a placeholder. The regular expressions are shared with the SQL road in `names_sql.py`.
"""

from __future__ import annotations

import re
from typing import Final

from unifier.identifiers.pinyin import SYLLABLES, spells
from unifier.identifiers.text import HAN, LOST, fold, fold_rare

MAX_RAW: Final = 100
MAX_PLAIN: Final = 6
"""Han characters of the longest name without a middle dot: longer ones are slogans."""

MAX_DOTTED: Final = 15
MIN_SINGLE: Final = 6
"""Letters of the shortest Latin name in one word, as in WANGFANG."""

COMPOUND: Final = (
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|慕容|夏侯|尉迟|皇甫|公孙|公孫|长孙|宇文|司徒|司空|东方|独孤|南宫|端木|令狐|钟离"
    "|轩辕|百里|呼延|闻人|澹台|申屠|仲孙|万俟|赫连|西门|东郭|淳于|单于|太史|公冶|濮阳|拓跋|鲜于|闾丘|第五|公羊|谷梁"
)
"""Surnames of two characters."""

_TITLES: Final = (
    "先生|女士|小姐|老师|经理|總|总|同学|阿姨|叔叔|师傅|大姐|大哥|店长|医生|主任|老板|美女|帅哥|宝宝|教授|院长|校长|局长"
    "|科长|主管|总监|董事长|大夫|护士|警官|律师|哥|姐|叔|姨|嫂|婶|爷"
)
_RELATIVES: Final = (
    "太太|夫人|妈妈|爸爸|妈|爸|奶奶|爷爷|外婆|外公|姥姥|姥爷|家长|老婆|老公|妻子|丈夫|女儿|儿子|夫妇|家人|家属|朋友|代收|代购"
    "|的.*"
)
_NO_NAMES: Final = (
    "测试|未知|匿名|用户|用戶|顾客|会员|散客|客户|客人|无名|暂无|不详|默认|游客|保密|没有|公司|酒店|商场|店铺|专柜|旗舰|超市|某"
    "|手机|电话|退卡|无效|未填|锟斤拷|收货|快递|前台|门卫|先生女士|其他|待补"
)
NO_NAME: Final = f"{_NO_NAMES}|(?:{_RELATIVES})$"
TITLE: Final = f"(?:{_TITLES})+$"
PARTIAL: Final = f"{COMPOUND}|[小老阿][{HAN}]"
FAST: Final = f"[{HAN}]{{2,4}}"
SUSPECT: Final = f"{_NO_NAMES}|(?:{_RELATIVES}|{_TITLES})$|^(?:{PARTIAL})$"
"""What a short Han text must not contain to be its own key."""

UNREADABLE: Final = rf"[*?]|{LOST}|[{HAN}]X+"
BRACKETED: Final = r"[(\[{<【〔《〈「『][^()\[\]{}<>【】〔〕《》〈〉「」『』]*(?:[)\]}>】〕》〉」』]|$)"
NOT_HAN: Final = f"[^{HAN}]"
DOTTED: Final = rf"[{HAN}] *[·・•‧・.∙⋅] *[{HAN}]"
TWO_PEOPLE: Final = f"[{HAN}]{{2,}}[ ,;/&+|、]+[{HAN}]{{2,}}"
COMPOUND_FIRST: Final = f" *(?:{COMPOUND})[ ,]"
LATIN: Final = "[A-Z .,'-]+"
LATIN_TITLE: Final = r"\b(?:MR|MRS|MS|MISS|DR|PROF|SIR|MADAM)\b"
LATIN_NO_NAME: Final = (
    r"\b(?:TEST|NULL|NONE|NIL|VIP|UNKNOWN|ANONYMOUS|USER|GUEST|CUSTOMER|MEMBER|CLIENT|NA|NAME|NO|DEFAULT|UNDEFINED"
    r"|ADMIN|WECHAT|TAOBAO|TMALL|DOUYIN|WX|TB)\b"
)
LATIN_FULL: Final = rf"[A-Z]+(?: [A-Z]+){{1,4}}|{SYLLABLES}{{2,4}}"

_SURNAME: Final = re.compile(f"(?:{COMPOUND})|[{HAN}]")
_NICK: Final = re.compile(f"^[小老阿](?=[{HAN}]$)")
MIN_LATIN_EDIT: Final = 5
MIN_HAN_EDIT: Final = 3
MIN_LATIN: Final = 4


def name_key(raw: str | None) -> str | None:
    """Return the key of a full name, or None when the text is not one.

    >>> [name_key(text) for text in ("王 芳(退卡)", "李强先生", "王女士", "张*", "fang  Wang")]
    ['王芳', '李强', None, None, 'FANG WANG']
    """
    if raw is None:
        return None
    if re.fullmatch(FAST, raw) and not re.search(SUSPECT, raw):
        return raw
    text = _prepared(raw)
    if len(text) > MAX_RAW or re.search(UNREADABLE, text):
        return None
    text = re.sub(BRACKETED, " ", text)
    han = re.sub(NOT_HAN, "", text)
    return _han_key(text, han) if han else _latin_key(text)


def surname(raw: str | None) -> str | None:
    """Return the surname with which a Han name begins, also where only a title follows; None for other names.

    >>> [surname(text) for text in ("王女士", "欧阳小明", "张*", "先生", "Wang Fang")]
    ['王', '欧阳', '张', None, None]
    """
    if raw is None:
        return None
    text = re.sub(BRACKETED, "", _prepared(raw)).replace(" ", "")
    if re.search(LOST, text) or re.search(NO_NAME, text):
        return None
    text = _NICK.sub("", re.sub(TITLE, "", text))
    found = _SURNAME.match(text)
    return found[0] if found else None


def names_agree(left: str, right: str) -> bool:
    """Tell whether two name keys can be one person's.

    They can when they are equal, differ by the order of Latin words, by one wrong character (same length of three or
    more in Han; five or more letters in Latin), or when one is the pinyin of the other in either order.

    >>> names_agree("王小芳", "王晓芳"), names_agree("王芳", "王方"), names_agree("王芳", "FANG WANG")
    (True, False, True)
    """
    if left == right:
        return True
    if _is_latin(left) != _is_latin(right):
        han, latin = (right, left) if _is_latin(left) else (left, right)
        return spells(latin, han)
    if _is_latin(left):
        swapped = sorted(left.split(" ")) == sorted(right.split(" "))
        return swapped or (max(len(left), len(right)) >= MIN_LATIN_EDIT and _one_edit(left, right))
    return len(left) == len(right) >= MIN_HAN_EDIT and sum(map(str.__ne__, left, right)) == 1


def _prepared(raw: str) -> str:
    return fold_rare(fold(raw))


def _han_key(text: str, han: str) -> str | None:
    if re.search(TWO_PEOPLE, text) and not re.match(COMPOUND_FIRST, text):
        return None
    if re.search(NO_NAME, han):
        return None
    key = re.sub(TITLE, "", han)
    if re.fullmatch(PARTIAL, key):
        return None
    longest = MAX_DOTTED if re.search(DOTTED, text) else MAX_PLAIN
    return key if 1 < len(key) <= longest else None


def _latin_key(text: str) -> str | None:
    if not re.fullmatch(LATIN, text) or re.search(LATIN_NO_NAME, text):
        return None
    words = re.sub(LATIN_TITLE, " ", text).replace("'", "")
    key = re.sub("[ .,-]+", " ", words).strip(" ")
    shortest = MIN_LATIN if " " in key else MIN_SINGLE
    return key if len(key) >= shortest and re.fullmatch(LATIN_FULL, key) else None


def _is_latin(key: str) -> bool:
    return key.isascii()


def _one_edit(left: str, right: str) -> bool:
    """Tell whether at most one insertion, deletion or substitution turns one text into the other."""
    short, long = sorted((left, right), key=len)
    if len(long) - len(short) > 1:
        return False
    start = next((i for i, sign in enumerate(short) if sign != long[i]), len(short))
    return short[start + (len(short) == len(long)) :] == long[start + 1 :]
