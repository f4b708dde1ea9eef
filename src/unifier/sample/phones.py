"""Give out mobile numbers, and write them as well or as badly as systems do.

A number belongs to one holder unless the world plants a cause: numbers are a permutation of the holders' places.
"""

from __future__ import annotations

from typing import Final, cast

import duckdb
import numpy as np
import pyarrow as pa

from unifier.sample import rates
from unifier.sample.draws import Ints, Mask, draw, scramble, spread
from unifier.sample.text import Column, arrow, characters, digits, from_characters, joined, overlay, spelled

PREFIXES: Final = np.array(
    [
        131,
        132,
        134,
        135,
        136,
        137,
        139,
        150,
        151,
        152,
        153,
        155,
        156,
        157,
        158,
        159,
        166,
        172,
        173,
        175,
        176,
        177,
        178,
        180,
        181,
        182,
        183,
        184,
        185,
        186,
        187,
        188,
        189,
        191,
        193,
        195,
        196,
        197,
        198,
        133,
    ],
    dtype=np.int64,
)
"""Mobile prefixes in use, without 130 and 138: the placeholders 13000000000 and 13800138000 are nobody's number."""

PLACEHOLDERS: Final = ("13800138000", "13000000000", "11111111111", "无", "0", "-")
MIX_KEYS: Final = {"brand1": "testky"}

NONE, PLAIN, MASKED, MD5, SHA256, MIX = range(6)
"""How a record shows a phone."""

FORMS: Final = ("", "phone", "phone_masked", "phone_md5", "phone_sha256", "mix_mobile")

CLEAN, PLACEHOLDER, LOSSY = 0, 1, 2
DIRT: Final = {
    "clean": 1 - rates.DIRTY_PHONE - rates.PLACEHOLDER,
    "placeholder": rates.PLACEHOLDER,
    "lossy": rates.DIRTY_PHONE * 0.04,
    "full_width": rates.DIRTY_PHONE * 0.08,
    "plus86": rates.DIRTY_PHONE * 0.18,
    "0086": rates.DIRTY_PHONE * 0.06,
    "86": rates.DIRTY_PHONE * 0.10,
    "0": rates.DIRTY_PHONE * 0.08,
    "spaces": rates.DIRTY_PHONE * 0.14,
    "dashes": rates.DIRTY_PHONE * 0.12,
    "float": rates.DIRTY_PHONE * 0.08,
    "apostrophe": rates.DIRTY_PHONE * 0.05,
    "two": rates.DIRTY_PHONE * 0.03,
    "remark": rates.DIRTY_PHONE * 0.04,
}
"""How a plain number is written, with the share of each way among plain values. The code is the position here."""

STYLES: Final = tuple(DIRT)
SPAN: Final = len(PREFIXES) * 10**8


def holder_numbers(places: Ints, seed: int) -> Ints:
    """Give each holder's place its number: 11 digits, unique, for places below the four billion numbers there are."""
    line = scramble(places, SPAN, seed)
    return PREFIXES[line // 10**8] * 10**8 + line % 10**8


def draw_dirt(rng: np.random.Generator, size: int) -> Ints:
    """Draw how each plain number is written, as positions in `STYLES`."""
    return draw(rng, spread(list(DIRT.values())), size)


def readable(form: Ints, dirt: Ints) -> Mask:
    """Tell which fields a perfect normaliser reads as the whole number."""
    return np.asarray((form == PLAIN) & (dirt != PLACEHOLDER) & (dirt != LOSSY), dtype=np.bool_)


def _full_width(numbers: Ints) -> Column:
    ascii_digits = characters(numbers, 11)
    matrix = np.empty((len(numbers), 33), dtype=np.uint8)
    # U+FF10..FF19 are EF BC 90..99 in UTF-8
    matrix[:, 0::3], matrix[:, 1::3], matrix[:, 2::3] = 0xEF, 0xBC, ascii_digits - ord("0") + 0x90
    return from_characters(matrix)


def _grouped(numbers: Ints, separator: str) -> Column:
    head, middle, tail = digits(numbers // 10**8, 3), digits(numbers // 10**4 % 10**4, 4), digits(numbers % 10**4, 4)
    return joined(head, middle, tail, by=separator)


def _lossy(numbers: Ints) -> Column:
    """Write numbers as a spreadsheet shows them: two decimals of the exponent form, the rest is lost."""
    rounded = (numbers + 5 * 10**7) // 10**8
    return joined(digits(rounded // 100, 1), digits(rounded % 100, 2, "."), "E+10")


def _styled(style: str, numbers: Ints, spare: Ints) -> Column:
    """Write numbers in one of the dirty ways."""
    match style:
        case "full_width":
            return _full_width(numbers)
        case "lossy":
            return _lossy(numbers)
        case "spaces" | "dashes":
            return _grouped(numbers, " " if style == "spaces" else "-")
        case "two":
            return joined(digits(numbers, 11), digits(spare, 11), by="/")
        case "float" | "remark":
            return joined(digits(numbers, 11), ".0" if style == "float" else "(妻)")
        case _:
            return digits(
                numbers, 11, {"plus86": "+86", "0086": "0086", "86": "86", "0": "0", "apostrophe": "'"}[style]
            )


def written(numbers: Ints, dirt: Ints, spare: Ints) -> Column:
    """Write plain numbers as drawn; `spare` is the holder's other number where a field holds two."""
    clean = digits(numbers, 11)
    patches = []
    for code, style in enumerate(STYLES):
        rows = np.flatnonzero(dirt == code)
        if code == PLACEHOLDER:
            patches.append((rows, spelled(numbers[rows] % len(PLACEHOLDERS), PLACEHOLDERS)))
        elif code != CLEAN:
            patches.append((rows, _styled(style, numbers[rows], spare[rows])))
    return overlay(clean, patches)


def masked(numbers: Ints) -> Column:
    """Write numbers with the middle four digits hidden: 139****1234."""
    matrix = characters(numbers, 11)
    matrix[:, 3:7] = ord("*")
    return from_characters(matrix)


def hashed(numbers: Ints, form: int) -> Column:
    """Hash plain numbers in one of the forms MD5, SHA256, MIX, as lower-case hex.

    MIX is what Tmall's membership service makes: md5hex(md5hex("tmall" + phone + key)), key of scope brand1.
    """
    if not len(numbers):
        return arrow([], type=pa.string())
    expression = {MD5: "md5(phone)", SHA256: "sha256(phone)", MIX: "md5(md5('tmall' || phone || $key))"}[form]
    phones = pa.table({"phone": digits(numbers, 11)})
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("phones", phones)
        parameters = {"key": MIX_KEYS["brand1"]} if form == MIX else {}
        found = con.sql(f"SELECT {expression} AS hash FROM phones", params=parameters).to_arrow_table()
    return cast("Column", pa.concat_arrays(found["hash"].chunks))


def shown(numbers: Ints, form: Ints, dirt: Ints, spare: Ints) -> Column:
    """Write each number in its form; rows of form NONE hold the plain number and are for the caller to leave out."""
    patches = [(rows := np.flatnonzero(form == MASKED), masked(numbers[rows]))]
    for code in (MD5, SHA256, MIX):
        rows = np.flatnonzero(form == code)
        patches.append((rows, hashed(numbers[rows], code)))
    plain = np.where(form == PLAIN, dirt, CLEAN)
    return overlay(written(numbers, plain, spare), patches)
