"""Read phone fields in SQL: the columnar twin of `phones.read_phone`.

Clean mobile numbers take a short way; everything else is rewritten, split and classified by the same expressions.
"""

from __future__ import annotations

from unifier.identifiers import phones as p
from unifier.identifiers.placeholders import is_placeholder_sql, is_word_sql
from unifier.identifiers.reading import MAX_INVALID, State
from unifier.identifiers.sql import case, contains, let, literal, matches, reading, readings, rewritten
from unifier.identifiers.text import fold_sql, lower_sql

_MOBILE_TYPE = literal("phone")


def phone_sql(column: str) -> str:
    """Return the readings of a raw phone expression: STRUCT(type, value, state)[], empty for blank and null."""
    return case((f"{column} IS NULL", readings()), *phone_branches(column), otherwise=phone_otherwise(column))


def phone_branches(column: str) -> list[tuple[str, str]]:
    """Return the short ways as (condition, readings), for a CASE: every level of nesting copies the lists."""
    spelled = rewritten(column, ((r"\.0 *$|[^0-9]", ""), (p.COUNTRY, r"\1")))
    return [
        (is_mobile_sql(column), readings(_mobile(column))),
        (matches(column, p.SPELLED), let("short", spelled, lambda number: readings(_mobile(number)))),
        (matches(column, p.MASKED_USUAL), readings(reading("'phone_masked'", column, "masked"))),
    ]


def is_mobile_sql(column: str) -> str:
    """Return the condition that a text is a mobile number in its normal form."""
    return f"length({column}) = {p.LENGTH} AND {matches(column, p.STRICT)}"


def phone_otherwise(column: str) -> str:
    """Return the readings of whatever the short ways do not take."""
    return let("field", lower_sql(fold_sql(column)), _field)


def _field(text: str) -> str:
    unreadable = readings(_cut(text))
    pieces = let("pieces", _pieces(text), lambda pieces: _distinct(_classified(pieces), unreadable))
    return case(
        (f"{text} = ''", readings()),
        (f"length({text}) > {p.MAX_FIELD}", unreadable),
        (is_word_sql(text), readings(reading(_MOBILE_TYPE, text, "placeholder"))),
        otherwise=pieces,
    )


def _pieces(text: str) -> str:
    spelled = rewritten(text, p.SPELLING_REWRITES)
    spelled = f"CASE WHEN {contains(text, f'[^{p.NUMERALS}]')} THEN {spelled} ELSE {text} END"
    parts = f"string_split({rewritten(f'({spelled})', p.NUMBER_REWRITES)}, '/')"
    trimmed = f"list_transform({parts}, lambda part: trim(part, ' '))"
    kept = f"list_filter({trimmed}, lambda part: {_compact('part')} <> '')"
    glued = matches(_compact("part"), p.GLUED)
    split = f"regexp_extract_all({_compact('part')}, {literal(p.ONE_MOBILE)})"
    return f"flatten(list_transform({kept}, lambda part: CASE WHEN {glued} THEN {split} ELSE [part] END))"


def _classified(pieces: str) -> str:
    return f"list_transform({pieces}, lambda piece: {_piece('piece')})"


def _distinct(items: str, otherwise: str) -> str:
    """Keep the first of equal readings, in order; `otherwise` when there is none."""

    def kept(items: str) -> str:
        first = f"list_filter({items}, lambda item, place: list_position({items}, item) = place)"
        return case((f"len({items}) = 1", items), (f"len({items}) = 0", otherwise), otherwise=first)

    return let("items", items, kept)


def _piece(piece: str) -> str:
    digits = _group(piece, p.SCIENTIFIC, 1) + " || " + _group(piece, p.SCIENTIFIC, 2)
    exact = f"length({_group(piece, p.SCIENTIFIC, 2)}) = try_cast({_group(piece, p.SCIENTIFIC, 3)} AS INTEGER)"
    unfolded = case((f"{matches(piece, p.SCIENTIFIC)} AND {exact}", f"({digits})"), otherwise=piece)
    return case(
        (f"contains({piece}, '*')", _masked(piece)),
        otherwise=let("typed", unfolded, lambda typed: let("compact", _compact(typed), lambda c: _number(typed, c))),
    )


def _number(piece: str, compact: str) -> str:
    main, extension = _group(compact, p.NUMBER, 1), _group(compact, p.NUMBER, 2)
    return let(
        "main",
        main,
        lambda main: case(
            (f"{main} = ''", _cut(piece)),
            (f"{extension} <> ''", _with_extension(main, extension, piece)),
            otherwise=_plain(main, piece, compact),
        ),
    )


def _plain(main: str, piece: str, compact: str) -> str:
    def typed(mobile: str) -> str:
        landline = rewritten(main, ((p.COUNTRY_LANDLINE, r"0\1"),))
        spaced = f"{_group(main, p.SPACED_EXTENSION, 1)} || '-' || {_group(main, p.SPACED_EXTENSION, 2)}"
        return case(
            (f"{matches(mobile, p.STRICT)} OR {is_placeholder_sql('phone', mobile)}", _mobile(mobile)),
            (matches(landline, p.LANDLINE), reading("'landline'", landline, "valid")),
            (
                f"{piece} <> {compact} AND {matches(main, p.SPACED_EXTENSION)}",
                reading("'virtual_phone'", spaced, "virtual"),
            ),
            (
                f"{matches(main, p.ABROAD)} AND NOT {matches(main, p.HOME)}",
                reading(_MOBILE_TYPE, rewritten(main, ((p.ABROAD, r"+\1"),)), "valid"),
            ),
            otherwise=_cut(piece),
        )

    return let("mobile", rewritten(main, ((p.COUNTRY, r"\1"),)), typed)


def _with_extension(main: str, extension: str, piece: str) -> str:
    mobile = rewritten(main, ((p.COUNTRY, r"\1"),))
    landline = rewritten(main, ((p.COUNTRY_LANDLINE, r"0\1"),))
    return case(
        (matches(mobile, p.LOOSE), reading("'virtual_phone'", f"{mobile} || '-' || {extension}", "virtual")),
        (matches(landline, p.LANDLINE), reading("'landline'", f"{landline} || '-' || {extension}", "valid")),
        otherwise=_cut(piece),
    )


def _masked(piece: str) -> str:
    def typed(number: str) -> str:
        head, tail = _group(number, p.MASKED_SHORT, 1), _group(number, p.MASKED_SHORT, 2)
        visible = f"length({head} || {tail})"
        placed = f"{head} || repeat('*', {p.LENGTH} - {visible}) || {tail}"
        expands = f"{matches(number, p.MASKED_SHORT)} AND length({number}) <> {p.LENGTH} AND {visible} < {p.LENGTH}"
        kept = f"{matches(number, p.MASKED_FULL)} OR NOT {matches(number, p.MASKED_LANDLINE)}"
        return case(
            (expands, reading("'phone_masked'", placed, "masked")),
            (kept, reading("'phone_masked'", f"{number}[:{MAX_INVALID}]", "masked")),
            otherwise=reading("'landline'", number, "masked"),
        )

    return let("stars", rewritten(_compact(piece), ((p.MASKED_COUNTRY, r"\1"),)), typed)


def _mobile(number: str) -> str:
    state = f"CASE WHEN {is_placeholder_sql('phone', number)} THEN 'placeholder' ELSE 'valid' END"
    return f"{{'type': 'phone', 'value': {number}, 'state': {state}}}"


def _cut(text: str, state: State = "invalid") -> str:
    return reading(_MOBILE_TYPE, f"{text}[:{MAX_INVALID}]", state)


def _compact(expression: str) -> str:
    return rewritten(expression, ((p.PUNCTUATION, ""),))


def _group(expression: str, pattern: str, group: int) -> str:
    """Return a group of a whole match, or '' when there is none."""
    return f"regexp_extract({expression}, {literal(f'^(?:{pattern})$')}, {group})"
