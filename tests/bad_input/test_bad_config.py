"""Bad configuration: nothing is run, and the message says which line, what is wrong and what was probably meant."""

from __future__ import annotations

from typing import Any

import pytest
from bad_input.project import CONFIG, Shop
from cast import WANG_FANG

CRM = CONFIG["sources"]["crm"]

CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "a key that is not known": (
        {"golden": {"trsut": ["crm"]}},
        3,
        "unifier.yaml line {golden}: unknown key golden.trsut — did you mean 'trust'?",
    ),
    "a tag that does not compile": (
        {"tags": [{"name": "bought", "value": "count(sale.recrd_id)"}]},
        3,
        "unifier.yaml line {tags} column 16: unknown field 'sale.recrd_id' — did you mean 'sale.record_id'?",
    ),
    "a time zone that is nowhere": (
        {"project": {"name": "shop", "timezone": "Asia/Shangai"}},
        3,
        "unifier.yaml line {project}: project.timezone: there is no time zone 'Asia/Shangai' — write one like Asia/Shanghai",
    ),
    "a time zone of a source that is nowhere": (
        {"sources": {"crm": {**CRM, "timezone": "CST+8"}}},
        3,
        "sources.crm.timezone: there is no time zone 'CST+8' — write one like Asia/Shanghai",
    ),
    "a connector that no plugin offers": (
        {"sources": {"crm": {**CRM, "connector": "fiels"}}},
        4,
        "source crm: no installed plugin offers connector 'fiels' — did you mean 'files'?",
    ),
    "a plugin that is not installed": (
        {"plugins": {"allow": ["unifier-fiels"]}},
        4,
        "plugin fiels: it is not installed — did you mean 'files'?",
    ),
    "trust in a source that there is not": (
        {"golden": {"trust": ["crm", "tll"]}},
        3,
        "golden.trust names 'tll', which is no source — did you mean 'till'?",
    ),
    "a golden field that there is not": (
        {"golden": {"fields": {"brithday": {"rule": "frequent"}}}},
        3,
        "unifier.yaml line {golden}: unknown key golden.fields.brithday — did you mean 'birthday'?",
    ),
    "a rule of survivorship that there is not": (
        {"golden": {"fields": {"city": {"trust": ["crm"], "rule": "recnet"}}}},
        3,
        "unifier.yaml line {golden}: golden.fields.city.rule: it is none of the known words — did you mean 'recent'?",
    ),
    "a field that trusts a source that there is not": (
        {"golden": {"fields": {"city": {"rule": "recent", "trust": ["crm", "tll"]}}}},
        3,
        "unifier.yaml line {golden}: golden.fields.city.trust names 'tll', which is no source — did you mean 'till'?",
    ),
    "a union of times": (
        {"golden": {"fields": {"registered_at": {"rule": "union"}}}},
        3,
        "unifier.yaml line {golden}: golden.fields.registered_at.rule: union is for texts, and registered_at is a time — choose one of trust, ",
    ),
    "the longest of times": (
        {"golden": {"fields": {"registered_at": {"rule": "longest"}}}},
        3,
        "unifier.yaml line {golden}: golden.fields.registered_at.rule: longest is for texts, and registered_at is a time — choose one of trust, ",
    ),
    "a setting that the connector does not know": (
        {"sources": {"crm": {**CRM, "config": {"pth": "in/*.jsonl"}}}},
        3,
        "did you mean 'path'?",
    ),
    "a secret that the environment lacks": (
        {"targets": {"warehouse": {"url": "${UNIFIER_NO_SUCH_NAME}"}}},
        3,
        "targets.warehouse.url: the environment has no UNIFIER_NO_SUCH_NAME — set it before the run",
    ),
}


FAULTY: dict[str, tuple[str, ...]] = {
    "golden": ("trsut:", "brithday:", "rule: recnet", "trust:", "rule: union", "rule: longest"),
    "tags": ("value:",),
    "project": ("timezone:",),
}
"""What stands on the line of the fault, in a section; the first that is there counts."""


def _line(shop: Shop, section: str) -> str:
    """Find the line of the fault in a section."""
    lines = (shop.folder / "unifier.yaml").read_text(encoding="utf-8").splitlines()
    start = lines.index(f"{section}:")
    found = [
        number
        for wanted in FAULTY[section]
        for number, line in enumerate(lines, 1)
        if number > start and wanted in line
    ]
    return str(found[0])


@pytest.mark.parametrize("case", CASES)
def test_a_bad_configuration_runs_nothing_and_says_what_was_meant(ran: Shop, shop: Shop, case: str) -> None:
    """A typing error must cost a minute, not a night: exit code, line, fault and nearest name."""
    sections, code, message = CASES[case]
    shop.configure(**sections)
    lines = {name: _line(shop, name) for name in ("golden", "tags", "project") if f"{{{name}}}" in message}

    told = shop.run()

    assert told.code == code, told
    assert message.format(**lines) in told.err
    assert told.out == ""
    assert "Traceback" not in told.err
    assert shop.counts() == ran.counts()
    assert shop.published() == ran.published()


def test_all_faults_of_a_configuration_are_told_at_once(shop: Shop) -> None:
    """Nobody wants to mend five keys in five runs."""
    shop.configure(golden={"trsut": []}, extract={"memry": "1GB"})

    told = shop.call("run")

    assert told.code == 3
    assert "did you mean 'trust'?" in told.err
    assert "did you mean 'memory'?" in told.err


def test_broken_yaml_is_told_with_its_line(shop: Shop) -> None:
    """YAML's own words are long; the line is what an author needs."""
    (shop.folder / "unifier.yaml").write_text("project: {name: shop\nsources:\n", encoding="utf-8")

    told = shop.call("run")

    assert told.code == 3
    assert told.err.startswith("unifier.yaml line 2: not YAML: ")
    assert told.err.rstrip().endswith(" — mend the line")


def test_a_project_without_configuration_says_how_to_begin(ran: Shop) -> None:
    """The first command of a newcomer is often run in the wrong folder."""
    told = Shop(ran.folder / "in").call("run")

    assert (told.code, told.out) == (3, "")
    assert told.err.startswith("unifier.yaml: there is no such file — run `unifier init --demo`")


def test_selecting_an_unknown_source_is_a_mistake_of_the_caller(ran: Shop, shop: Shop) -> None:
    """A cron job with a typing error must not run half of the work and look well."""
    told = shop.run("--select", "crn")

    assert told.code == 2
    assert told.err.strip() == "--select crn: there is no such source — did you mean 'crm'?"
    assert shop.counts() == ran.counts()


def test_refetching_an_unknown_source_is_a_mistake_of_the_caller(ran: Shop, shop: Shop) -> None:
    """A refetch that hits nothing would be believed to have happened."""
    told = shop.run("--refetch", "crn")

    assert told.code == 2
    assert told.err.strip() == "--refetch crn: there is no such source — did you mean 'crm'?"
    assert shop.counts() == ran.counts()


def test_a_configuration_with_personal_data_in_a_fault_does_not_print_it(shop: Shop) -> None:
    """A phone pasted into a wrong place of the configuration stays there."""
    shop.configure(sources={"crm": {**CRM, "max_errors": {"count": WANG_FANG.phone}}})

    told = shop.call("run")

    assert told.code == 3
    assert "sources.crm.max_errors.count" in told.err
    assert told.names_nobody


def test_a_project_with_neither_kind_nor_streams_says_what_to_write(ran: Shop, shop: Shop) -> None:
    """The commonest omission gets its own words."""
    shop.configure(sources={"crm": {key: value for key, value in CRM.items() if key != "kind"}})

    told = shop.call("run")

    assert told.code == 3
    assert "source crm needs either kind or streams — write kind: profile beside config" in told.err
    assert shop.counts() == ran.counts()
