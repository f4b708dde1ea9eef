"""Commands as operators and schedulers use them: what they print, where, and what they leave alone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from bad_input.project import AT, DAY, Shop, copied, open_shop, order, query
from cast import CHEN_JIE, LI_QIANG, WANG_FANG, ZHAO_JING, ZHAO_MIN

from unifier.cli.main import COMMANDS
from unifier.words import KINDS, STAGES


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_is_quick(ran: Shop, command: str) -> None:
    """Help that loads the engine first is help that nobody asks for."""
    begun = time.monotonic()
    told = ran.call(command, "--help")

    assert told.code == 0, told
    assert told.out.startswith("Usage: ")
    assert time.monotonic() - begun < 5, "help must not import what only a run needs"


def test_a_run_tells_its_progress_in_json_lines_on_stderr(shop: Shop) -> None:
    """A scheduler reads the report from stdout; progress must not stand in its way."""
    told = shop.run()

    events = [json.loads(line) for line in told.err.splitlines()]
    assert [event["stage"] for event in events if event["event"] == "stage"] == list(STAGES)
    assert {event["event"] for event in events} <= {"stage", "progress", "source"}
    assert told.report.keys() >= {"run_no", "as_of", "exit_code", "sources", "targets", "stages", "figures"}
    assert (told.report["run_no"], told.report["as_of"], told.report["exit_code"]) == (2, DAY, 0)


def test_a_run_without_json_ends_with_a_table(shop: Shop) -> None:
    """Mails from cron are read by people."""
    told = shop.call("run", "--as-of", DAY)

    assert told.code == 0, told
    assert f"run 2 as of {DAY}" in told.out
    assert "target warehouse: published" in told.out
    assert told.names_nobody


@pytest.mark.parametrize("words", [["runn"], ["run", "--as-of", "yesterday"], ["run", "publsh"], ["schema", "proflie"]])
def test_what_cannot_be_meant_is_exit_code_2(ran: Shop, words: list[str]) -> None:
    """Usage errors are the caller's: code 2, as everywhere."""
    told = ran.call(*words)

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Usage: ")


@pytest.mark.parametrize("who", ["OneID", "crm/C0", WANG_FANG.phone], ids=["OneID", "record", "phone"])
def test_a_person_is_explained_by_id_record_or_value_and_masked(ran: Shop, who: str) -> None:
    """Support sees why records are one person, and no more of the person than needed."""
    one_id = ran.one_ids()["crm", "profile", "C0"]

    told = ran.call("explain", one_id if who == "OneID" else who)

    assert told.code == 0, told
    assert told.out.startswith(f"person {one_id}: active")
    assert "crm/C0" in told.out
    assert told.names_nobody


def test_explaining_nobody_is_told_without_repeating_the_value(ran: Shop) -> None:
    """The value may be a phone of somebody who is no customer."""
    told = ran.call("explain", "19900009999")

    assert told.code == 2
    assert "nobody is known by that" in told.err
    assert "19900009999" not in told.err


def test_an_evaluation_counts_pairs_and_persons(ran: Shop, tmp_path: Path) -> None:
    """Four records, two of which are twins on one phone: one false pair, nothing missed."""
    ids = ran.one_ids()
    assert ids["crm", "profile", "C3"] == ids["crm", "profile", "C4"], (ZHAO_MIN, ZHAO_JING)
    truth = tmp_path / "truth.csv"
    truth.write_text(
        "source,record_id,entity\ncrm,C0,a\ncrm,C1,b\ncrm,C3,c\ncrm,C4,d\ncrm,nobody,e\n", encoding="utf-8"
    )

    told = ran.call("evaluate", "--truth", str(truth), "--json")

    assert told.code == 0, told
    figures = json.loads(told.out)
    assert figures["unknown_records"] == 1
    assert (figures["records"], figures["persons"], figures["false_pairs"], figures["missed_pairs"]) == (4, 3, 1, 0)
    assert figures["precision"] == 0.0
    assert figures["b_cubed_precision"] == pytest.approx(3 / 4)
    assert figures["b_cubed_recall"] == 1.0


def test_a_held_source_waits_until_somebody_releases_it(shop: Shop) -> None:
    """A delivery full of faults is likelier wrong than true: nothing of it counts before a person has looked."""
    _overdo(shop)

    held = shop.run()
    assert held.code == 1, held
    assert held.source("till")["outcome"] == "held"
    assert query(shop.store, "SELECT count(*) FROM \"order\" WHERE record_id = 'good'") == [(0,)]
    assert "held: the source was not" in shop.call("quarantine", "list").out

    assert shop.call("quarantine", "release", "till").out == "1 records of till will settle at the next run\n"
    assert shop.run().code == 0
    assert query(shop.store, "SELECT count(*) FROM \"order\" WHERE record_id = 'good'") == [(1,)]


def test_a_held_source_can_be_discarded(shop: Shop) -> None:
    """A wrong file is thrown away by decision, and the ledger remembers."""
    _overdo(shop)
    assert shop.run().code == 1

    assert shop.call("quarantine", "discard", "till").out == "1 records of till were thrown away\n"
    assert shop.run().code == 0
    assert query(shop.store, "SELECT count(*) FROM \"order\" WHERE record_id = 'good'") == [(0,)]
    assert query(shop.store, "SELECT count(*) FROM batch WHERE state = 'discarded'") == [(1,)]


def _overdo(shop: Shop) -> None:
    sources = shop.config["sources"]
    shop.configure(sources={**sources, "till": {**sources["till"], "max_errors": {"count": 1, "ratio": 0.5}}})
    bad = [{"record_id": f"bad {number}", "observed_at": AT} for number in range(3)]
    shop.lines("till/2.jsonl", [order(LI_QIANG, "good"), *bad])


def test_deciding_about_a_source_that_holds_nothing_is_a_mistake(ran: Shop) -> None:
    """Whoever releases the wrong source must notice."""
    told = ran.call("quarantine", "release", "tlil")

    assert (told.code, told.err) == (2, "tlil: there is no such source in the store — did you mean 'till'?\n")


def test_a_dry_run_counts_and_writes_nothing(ran: Shop, shop: Shop) -> None:
    """The question "what would it do" must not be answered by doing it."""
    shop.lines("till/2.jsonl", [order(CHEN_JIE, "new")])

    told = shop.run("--dry-run")

    assert told.code == 0, told
    assert told.report["dry_run"]
    assert told.source("till")["landed"] == 1
    assert shop.counts() == ran.counts()
    assert shop.published() == ran.published()


def test_a_rebuild_changes_nothing(ran: Shop, shop: Shop) -> None:
    """What is computed step by step must be what is computed from scratch."""
    told = shop.run("--rebuild")

    assert told.code == 0, told
    assert shop.one_ids() == ran.one_ids()
    assert shop.published() == ran.published()


def test_stages_one_by_one_give_what_a_run_gives(ran: Shop, tmp_path: Path) -> None:
    """Whoever splits a night into jobs gets the same morning."""
    shop = open_shop(tmp_path / "shop")

    for stage in STAGES:
        told = shop.call(stage, "--as-of", DAY)
        assert told.code == 0, told

    assert shop.one_ids() == ran.one_ids()
    assert shop.published() == ran.published()


@pytest.mark.parametrize("name", [*KINDS, "config"])
def test_schemas_are_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Authors of sources check their files with any validator."""
    from unifier.cli.project import schema

    schema.main([name], standalone_mode=False)

    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_a_sample_does_not_write_into_a_folder_that_holds_something(ran: Shop) -> None:
    """An invented world among real files would be believed."""
    before = sorted(ran.folder.iterdir())

    told = ran.call("sample", "--members", "5", "--out", str(ran.folder))

    assert told.code == 2
    assert told.err == f"{ran.folder}: the folder is not empty — name a new one\n"
    assert sorted(ran.folder.iterdir()) == before


def test_a_project_is_not_made_over_another(ran: Shop) -> None:
    """`init` in the wrong folder must cost nothing."""
    told = ran.call("init", str(ran.folder))

    assert told.code == 2
    assert told.err.endswith("it is there already — choose another folder\n")


def test_status_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    """An empty project is no fault, but there is nothing to show; messages name the project, not its folder."""
    told = open_shop(tmp_path / "folder").call("status")

    assert (told.code, told.err) == (3, "shop: it was never run — run `unifier run`\n")


def test_a_run_that_was_killed_is_told_by_status(ran: Shop, tmp_path: Path) -> None:
    """run.json of a dead process must not look alive."""
    shop = copied(ran, tmp_path / "shop")
    facts = json.loads((shop.folder / ".unifier" / "run.json").read_text(encoding="utf-8"))
    (shop.folder / ".unifier" / "run.json").write_text(
        json.dumps({**facts, "state": "running", "pid": 2**22 + 1}), encoding="utf-8"
    )

    assert "killed; run again to go on" in shop.call("status").out
