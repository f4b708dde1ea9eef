"""Bad expressions: the message points at the wrong word in the file, however YAML lets an author write it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unifier.config import load
from unifier.errors import ConfigError
from unifier.stages.segment import segment_plan
from unifier.stages.tag import tag_plan

ZONE = "Asia/Shanghai"

TAGS: dict[str, tuple[str, str]] = {
    "plain": ("tags:\n  - name: bought\n    value: count(sale.wrong)\n", "line 3 column 18"),
    "on one line with its name": ("tags: [{name: bought, value: count(sale.wrong)}]\n", "line 1 column 36"),
    "double quotes": ('tags:\n  - name: bought\n    value: "count(sale.wrong)"\n', "line 3 column 19"),
    "double quotes with escapes": (
        'tags:\n  - name: bought\n    value: "city = \'\\u4e0a\\"\' and wrong"\n',
        "line 3 column 35",
    ),
    "single quotes with quotes in them": (
        "tags:\n  - name: bought\n    value: 'city = ''上海'' and wrong'\n",
        "line 3 column 31",
    ),
    "below its key": ("tags:\n  - name: bought\n    value:\n      count(sale.wrong)\n", "line 4 column 13"),
    "folded over lines": ("tags:\n  - name: bought\n    value: count(\n      sale.wrong)\n", "line 4 column 7"),
    "a literal block": (
        "tags:\n  - name: bought\n    value: |  # in two lines\n      records > 1\n        and wrong > 2\n",
        "line 5 column 13",
    ),
    "a folded block": (
        "tags:\n  - name: bought\n    value: >-\n\n      records > 1\n      and\n      wrong > 2\n",
        "line 7 column 7",
    ),
    "a condition": (
        "tags:\n  - name: bought\n    value: count(sale.at)\n    where: sale.wrong > 1\n",
        "line 4 column 12",
    ),
    "what is no expression": ('tags:\n  - name: bought\n    value: "(records + 1 wrong"\n', "line 3 column 26"),
    "a quote without end": ("tags:\n  - name: bought\n    value: city = 'wrong\n", "line 3 column 12"),
    "nothing": ('tags:\n  - name: bought\n    value: " "\n', "line 3 column 12"),
    "a tab that is written as an escape": (
        'tags:\n  - name: bought\n    value: "records\\t+ wrong"\n',
        "line 3 column 12",  # it stands in column 24, but the text is not written as it is read
    ),
    "a text with a name for it": (
        "tags:\n  - name: bought\n    value: &shared count(sale.wrong)\n",
        "line 3 column 12",  # the begin, the name with it
    ),
}


@pytest.mark.parametrize("case", TAGS)
def test_a_fault_in_a_tag_is_told_with_its_place_in_the_file(tmp_path: Path, case: str) -> None:
    """Editors jump to line and column: the column of an expression alone leads nowhere."""
    text, place = TAGS[case]
    (tmp_path / "unifier.yaml").write_text(text, encoding="utf-8")
    config = load(tmp_path / "unifier.yaml")

    with pytest.raises(ConfigError, match=re.escape(f"unifier.yaml {place}: ")):
        tag_plan(config.data["tags"], config.lines, ZONE)


def test_a_fault_in_an_included_segment_is_told_with_its_place_in_that_file(tmp_path: Path) -> None:
    """Segments live in files of their own, and behind those of the main file in one list."""
    main = "include: [more.yaml]\nsegments:\n  - name: known\n    where: records > 0\n"
    (tmp_path / "unifier.yaml").write_text(main, encoding="utf-8")
    more = "segments:\n  - name: loyal\n    where: >\n      records > 3\n      and wrong\n"
    (tmp_path / "more.yaml").write_text(more, encoding="utf-8")
    config = load(tmp_path / "unifier.yaml")

    with pytest.raises(ConfigError, match=re.escape("more.yaml line 5 column 11: unknown field 'wrong'")):
        segment_plan(config.data["segments"], config.lines, tag_plan([], {}, ZONE), ZONE)
