"""Split what people type into a phone field into typed identifiers.

A field may hold several numbers, remarks, a landline, a masked or a virtual number, or a float that a spreadsheet made.
The regular expressions here are shared with the SQL road in `phones_sql.py`.

An extension is never stripped: thousands of buyers share the base number of a platform's virtual number. Where digits
could be an extension or a remark, they are taken for an extension.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from unifier.identifiers.placeholders import is_placeholder, is_word
from unifier.identifiers.reading import MAX_INVALID, Reading
from unifier.identifiers.text import fold, lower

if TYPE_CHECKING:
    from unifier.identifiers.sql import Rewrite

MAX_FIELD: Final = 200
"""Characters of a phone field beyond which it is not read at all."""

STRICT: Final = (
    "1(?:610[0-9]|740[0-5])[0-9]{6}|1(?:[38][0-9]|4[57]|[59][0-35-9]|6[25-7]|7[0-35-8])[0-9]{8}"  # libphonenumber
)
"""Mobile numbers of people in mainland China, 11 digits."""

_WORDS_FOR_EXTENSION: Final = "转接?|轉|分机号?|ext(?:ension|n)?|x|#"
_LANDLINE_START: Final = "0(?:10|2[0-9]|[3-9][0-9]{2})[- )]?[0-9]{7,8}|[48]00-?[0-9]{3}-?[0-9]{4}"
_NUMBER_START: Final = r"\+|00[1-9][0-9]{7}|0[1-9][0-9]{1,2}[- ]?[0-9]{7}|1[3-9][0-9]{9}"
_BETWEEN_NUMBERS: Final = (rf"([0-9]{{7,}}) +({_NUMBER_START})", r"\1/\2")

SPELLING_REWRITES: Final[tuple[Rewrite, ...]] = (
    ("['`\"=]", ""),  # spreadsheet text markers
    (r"([0-9]{5,})\.0+($|[^0-9.])", r"\1\2"),  # floats
    ("xx", "**"),  # 138xxxx8000
    (r"\*x", "**"),
    (r"(^|[^a-z])(?:tel|telephone|mobile|phone|mob|cell)[.: ]*", r"\1/"),
    (rf"[(\[ ,;.-]*(?:{_WORDS_FOR_EXTENSION})[:. ]*([0-9]{{1,6}})($|[^0-9])", r"x\1\2"),
    (r"([0-9]{4}) *[(\[]([0-9]{1,6})[)\]]($|[^0-9])", r"\1x\2\3"),
    (r"[(\[][^()\[\]]*[^()\[\]0-9+* -][^()\[\]]*(?:[)\]]|$)", "/"),  # remarks
    (r"[^ -~]+", "/"),
    (r"[,;|\\&:~]", "/"),
)
"""What is done first to a folded, lower-case field; without effect on one made of `NUMERALS` only."""

NUMERALS: Final = "0-9 +/*-"

NUMBER_REWRITES: Final[tuple[Rewrite, ...]] = (
    (rf"(^|[^0-9])({_LANDLINE_START})-([0-9]{{1,6}})($|[^0-9])", r"\1\2x\3\4"),
    _BETWEEN_NUMBERS,
    _BETWEEN_NUMBERS,  # matches do not overlap: the second pass sees the other half of the boundaries
    (r"([0-9]) */[ /]*([1-9][0-9]{0,5}|0[0-9]{1,5}) *($|/)", r"\1x\2\3"),  # never strip what may be an extension
)
"""What is done next, before the field is split at `/`."""

_GAP: Final = "[ -]?"
SPELLED: Final = (
    rf" *'?(?:\+?(?:00)?86)?{_GAP}0?(?:1{_GAP}(?:[38]{_GAP}[0-9]|4{_GAP}[57]|[59]{_GAP}[0-35-9]|6{_GAP}[25-7]"
    rf"|7{_GAP}[0-35-8])(?:{_GAP}[0-9]){{8}}|1(?:[38][0-9]|[59][0-35-9])[0-9]{{8}}\.0) *"
)
"""One mobile number as people spell it: the columnar road takes a short way."""

PUNCTUATION: Final = r"[ .()\[\]_-]"
SCIENTIFIC: Final = r"([0-9])\.([0-9]+)e\+?([0-9]{1,2})"
GLUED: Final = r"(?:1[3-9][0-9]{9}){2,8}"
ONE_MOBILE: Final = "[0-9]{11}"
NUMBER: Final = r"(\+?[0-9]{1,20})(?:x([0-9]{1,6}))?"
COUNTRY: Final = r"^(?:\+?(?:00)?86)?0?(1[3-9][0-9]{9})$"
SPACED_EXTENSION: Final = r"(?:\+?(?:00)?86)?0?(1[3-9][0-9]{9})([0-9]{1,6})"
LOOSE: Final = "1[3-9][0-9]{9}"
COUNTRY_LANDLINE: Final = r"^(?:\+|00)860?((?:10|2[0-9]|[3-9][0-9]{2})[1-9][0-9]{6,7})$"
LANDLINE: Final = (
    "0(?:10|2[0-9]|[3-9][0-9]{2})[1-9][0-9]{6,7}"  # with area code
    "|[48]00[0-9]{7}|95[0-9]{3,6}"  # service numbers
    "|[2-8][0-9]{6,7}"  # without area code
)
ABROAD: Final = r"^(?:\+|00)([1-9][0-9]{7,14})$"
HOME: Final = r"(?:\+|00)86.*"
MASKED_COUNTRY: Final = r"^\+?(?:00)?86([1*][0-9*]{10})$"
MASKED_USUAL: Final = r"1[0-9]{2}\*{4}[0-9]{4}"
"""As nearly every platform masks a mobile number: nothing is left to be found out."""

MASKED_FULL: Final = r"[1*][0-9*]{10}"
MASKED_SHORT: Final = r"(1[0-9]{0,6})\*+([0-9]{0,4})"
MASKED_LANDLINE: Final = r"0[0-9]{2,3}[0-9*]{7,8}"
LENGTH: Final = 11

_STRICT: Final = re.compile(STRICT)


def read_phone(raw: str) -> tuple[Reading, ...]:
    """Return the identifiers in a raw phone field; none when it is blank.

    Types are `phone`, `landline`, `virtual_phone` and `phone_masked`. A phone's normal form is 11 digits, or `+CC…`
    abroad; a virtual number's is `13800138000-123`; a masked one's has 11 characters where they can be placed.

    >>> read_phone("+86 199-0000-0001/１９９００００００02(妻)")[1]
    Reading(type='phone', value='19900000002', state='valid')
    """
    if _STRICT.fullmatch(raw):
        return (_mobile(raw),)
    text = lower(fold(raw))
    if not text:
        return ()
    if len(text) > MAX_FIELD:
        return (Reading("phone", text[:MAX_INVALID], "invalid"),)
    if is_word(text):
        return (Reading("phone", text, "placeholder"),)
    readings = dict.fromkeys(_read_piece(piece) for piece in _pieces(text))
    return tuple(readings) or (Reading("phone", text[:MAX_INVALID], "invalid"),)


def why_invalid(value: str) -> str:
    """Return the reason why the value of an invalid phone reading could not be read.

    One of `lossy_number` (a spreadsheet rounded it), `not_a_number`, `too_short`, `too_long`, `unassigned`.

    >>> why_invalid("1.38e+10")
    'lossy_number'
    """
    if re.fullmatch(SCIENTIFIC, lower(value)):
        return "lossy_number"
    digits = re.sub(PUNCTUATION, "", value).removeprefix("+")
    if not re.fullmatch("[0-9]+", digits):
        return "not_a_number"
    if len(digits) == LENGTH:
        return "unassigned"
    return "too_short" if len(digits) < LENGTH else "too_long"


def _mobile(number: str) -> Reading:
    return Reading("phone", number, "placeholder" if is_placeholder("phone", number) else "valid")


def _compact(piece: str) -> str:
    return re.sub(PUNCTUATION, "", piece)


def _pieces(text: str) -> list[str]:
    for pattern, replacement in SPELLING_REWRITES + NUMBER_REWRITES:
        text = re.sub(pattern, replacement, text)
    pieces: list[str] = []
    for piece in (part.strip(" ") for part in text.split("/")):
        compact = _compact(piece)
        if re.fullmatch(GLUED, compact):
            pieces += re.findall(ONE_MOBILE, compact)
        elif compact:
            pieces.append(piece)
    return pieces


def _read_piece(piece: str) -> Reading:
    if "*" in piece:
        return _masked(_compact(piece))
    scientific = re.fullmatch(SCIENTIFIC, piece)
    if scientific and len(scientific[2]) == int(scientific[3]):
        piece = scientific[1] + scientific[2]
    compact = _compact(piece)
    number = re.fullmatch(NUMBER, compact)
    if not number:
        return Reading("phone", piece[:MAX_INVALID], "invalid")
    if number[2]:
        return _with_extension(number[1], number[2], piece)
    return _plain(number[1], piece, compact)


def _plain(number: str, piece: str, compact: str) -> Reading:
    mobile = re.sub(COUNTRY, r"\1", number)
    if _STRICT.fullmatch(mobile) or is_placeholder("phone", mobile):
        return _mobile(mobile)
    landline = re.sub(COUNTRY_LANDLINE, r"0\1", number)
    if re.fullmatch(LANDLINE, landline):
        return Reading("landline", landline, "valid")
    spaced = re.fullmatch(SPACED_EXTENSION, number)
    if spaced and piece != compact:
        return Reading("virtual_phone", f"{spaced[1]}-{spaced[2]}", "virtual")
    abroad = re.fullmatch(ABROAD, number)
    if abroad and not re.fullmatch(HOME, number):
        return Reading("phone", f"+{abroad[1]}", "valid")
    return Reading("phone", piece[:MAX_INVALID], "invalid")


def _with_extension(number: str, extension: str, piece: str) -> Reading:
    mobile = re.sub(COUNTRY, r"\1", number)
    if re.fullmatch(LOOSE, mobile):
        return Reading("virtual_phone", f"{mobile}-{extension}", "virtual")
    landline = re.sub(COUNTRY_LANDLINE, r"0\1", number)
    if re.fullmatch(LANDLINE, landline):
        return Reading("landline", f"{landline}-{extension}", "valid")
    return Reading("phone", piece[:MAX_INVALID], "invalid")


def _masked(compact: str) -> Reading:
    number = re.sub(MASKED_COUNTRY, r"\1", compact)
    short = re.fullmatch(MASKED_SHORT, number)
    if short and len(number) != LENGTH and len(short[1] + short[2]) < LENGTH:
        hidden = "*" * (LENGTH - len(short[1] + short[2]))
        return Reading("phone_masked", short[1] + hidden + short[2], "masked")
    if re.fullmatch(MASKED_FULL, number) or not re.fullmatch(MASKED_LANDLINE, number):
        return Reading("phone_masked", number[:MAX_INVALID], "masked")
    return Reading("landline", number, "masked")
