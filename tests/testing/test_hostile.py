"""Every fault of the hostile connector is caught by the kit test that is there for it, and a good connector passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
HEAVY: Final = (
    "a_kill_between_two_batches_loses_nothing",
    "a_kill_anywhere_loses_nothing",
    "a_second_run_changes_nothing",
    "nothing_is_acknowledged_before_it_is_kept",
    "what_is_acknowledged_does_not_come_again",
    "rows_may_come_late_twice_and_out_of_order",
    "the_time_zone_of_the_machine_plays_no_part",
)
"""Tests that read in several processes: they are run where they are expected to fail, and for the good connector."""
TESTS: Final = "tests/testing/till.py::TestTill::test_"
NIGHTLY: Final = bool(os.environ.get("UNIFIER_NIGHTLY"))
"""By day some faults are held against the tests that are there for them; every night all, and against all tests."""
BY_DAY: Final = (
    "streams read",
    "breaks the contract",
    "ids by chance",
    "eats its rows",
    "goes backwards",
    "loses a row on resume",
    "hangs",
    "prints people",
    "acknowledges by itself",
)
FAULTS: Final = (
    ("Nameless", "", "it_has_a_name_and_says_what_it_reads"),
    ("Hidden", "", "its_module_offers_it"),
    ("Unschemed", "", "the_config_schema_is_one"),
    ("Open", "", "wrong_types_are_refused"),
    ("Loose", "", "unknown_keys_are_refused"),
    ("Unmarked", "", "keys_of_secrets_are_marked"),
    ("Needy", "", "missing_keys_are_refused_or_do_without"),
    ("Hostile", "streams read", "listing_streams_reads_nothing"),
    ("Hostile", "streams change", "streams_are_stable"),
    ("Hostile", "breaks the contract", "every_record_keeps_the_contract"),
    ("Hostile", "naive times", "times_say_where_they_are_at_home"),
    ("Hostile", "ids by chance", "a_system_is_read_the_same_twice"),
    ("Hostile", "trims texts", "hostile_texts_survive"),
    ("Hostile", "eats its rows", "parse_is_pure parse_takes_garbage"),
    ("Hostile", "quits on garbage", "parse_takes_garbage"),
    ("Hostile", "reads after", "reading_from_a_bookmark_is_inclusive"),
    ("Hostile", "goes backwards", "ordered_streams_are_in_order"),
    ("Hostile", "checkpoint too early", "checkpoints_and_bookmarks_lose_nothing"),
    ("Hostile", "lists changes only", "snapshots_list_everything_every_time"),
    ("Hostile", "loses a row on resume", "a_kill_between_two_batches_loses_nothing"),
    ("Hostile", "versions without time", "rows_may_come_late_twice_and_out_of_order"),
    ("Hostile", "zone of the machine", "the_time_zone_of_the_machine_plays_no_part"),
    ("Hostile", "raises", "a_run_reads_the_system_to_its_end"),
    ("Hostile", "hangs", "a_reading_ends_within_its_deadline"),
    ("Hostile", "prints its secret", "no_secret_and_no_person_is_printed"),
    ("Hostile", "prints people", "no_secret_and_no_person_is_printed"),
    ("Hostile", "tells a wrong secret", "a_refused_secret_is_not_told"),
    ("Hostile", "reads all first", "the_first_rows_come_before_the_last_ones_are_read"),
    ("Hostile", "keeps what it yields", "memory_does_not_grow_with_the_stream"),
    ("Hostile", "leaves a file open", "nothing_is_left_open"),
    ("Hostile", "changes folder", "the_process_is_left_as_it_was"),
    ("Hostile", "changes environment", "the_process_is_left_as_it_was"),
    ("Hostile", "writes state", "the_folder_of_the_project_is_left_as_it_was"),
    ("Queue", "acknowledges by itself", "nothing_is_acknowledged_before_it_is_kept"),
    ("Queue", "never forgets", "what_is_acknowledged_does_not_come_again"),
)
CHOSEN: Final = FAULTS if NIGHTLY else [one for one in FAULTS if one[1] in BY_DAY]
ALSO: Final = {
    "loses a row on resume": {"a_kill_anywhere_loses_nothing"},
    "reads after": {"a_kill_between_two_batches_loses_nothing"},
}
"""What a fault breaks beside the test that is named for it: a lost row is lost wherever one looks."""


def failed(folder: Path, kind: str, fault: str, *only: str) -> tuple[set[str], list[dict[str, str]]]:
    """Run the kit on a class and a fault in a process of its own; tell what failed, and everything that was reported."""
    report = folder / "report.json"
    if NIGHTLY:
        chosen = [f"--deselect={TESTS}{name}" for name in HEAVY if only and name not in only]
    else:
        chosen = ["-k", " or ".join(name for name in only)] if only else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "till.py"), *chosen]
    paths = os.pathsep.join([str(HERE.parent), *(entry for entry in sys.path if entry)])
    done = subprocess.run(
        [*command, "-p", "unifier.testing.pytest_plugin", "--unifier-report", str(report)],
        cwd=HERE.parents[1],
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "HOSTILE_CLASS": kind,
            "HOSTILE_FAULT": fault,
            "HOSTILE_DEADLINE": "6" if fault == "hangs" else "60",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found, done.stdout
    return {one["property"] for one in found if one["outcome"] == "failed"}, found


@pytest.mark.slow
@pytest.mark.skipif(not NIGHTLY, reason="every night; by day the files connector passes the whole kit")
@pytest.mark.parametrize("kind", ["Hostile", "Queue"])
def test_a_good_connector_passes_the_whole_kit(tmp_path: Path, kind: str) -> None:
    """What cannot be passed proves nothing by failing."""
    wrong, found = failed(tmp_path, kind, "")

    assert wrong == set(), [one["detail"] for one in found if one["outcome"] == "failed"]
    assert sum(one["outcome"] == "passed" for one in found) >= 25


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "fault", "expected"), CHOSEN, ids=lambda word: word.replace(" ", "-")[:30] or "none")
def test_a_fault_fails_the_test_that_is_there_for_it_and_no_other(
    tmp_path: Path, kind: str, fault: str, expected: str
) -> None:
    """An author is sent to the right place, with a message that says what to do."""
    names = set(expected.split())
    wrong, found = failed(tmp_path, kind, fault, *names)

    assert wrong >= names, found
    assert wrong - names <= ALSO.get(fault, set()), [one for one in found if one["outcome"] == "failed"]
    assert all("—" in one["detail"] for one in found if one["outcome"] == "failed")
