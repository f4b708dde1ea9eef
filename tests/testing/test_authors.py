"""The commands for authors: what `plugins new` writes passes its own tests, what `plugins certify` says is true."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner
from testing.packages import called, installed

from unifier.cli.main import cli
from unifier.cli.templates import KINDS

NEEDS = {"http": "httpx"}
NIGHTLY = bool(os.environ.get("UNIFIER_NIGHTLY"))
QUICK = "not kill and not late and not time_zone and not second_run"
"""By day the tests of a new package but those that read in several processes; `certify` runs all of them."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS if NIGHTLY else ["identifier", "database"])
def test_the_tests_of_a_new_package_pass(tmp_path: Path, kind: str) -> None:
    """An author begins with something that works, and sees at once what breaks it."""
    if kind in NEEDS and find_spec(NEEDS[kind]) is None:
        pytest.skip(f"{NEEDS[kind]} is not installed")
    folder = installed("first-try", kind, tmp_path)

    run = called(folder, "pytest", "-q", "-p", "no:cacheprovider", "-k", "" if NIGHTLY else QUICK)

    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout


def test_new_says_what_to_do_next_and_never_writes_over_a_folder(tmp_path: Path) -> None:
    """Three lines; and a second call harms nothing."""
    first = CliRunner().invoke(cli, ["plugins", "new", "loyalty", "--dir", str(tmp_path)])
    assert len(first.output.splitlines()) == 3
    module = tmp_path / "unifier-loyalty" / "src" / "unifier_loyalty" / "__init__.py"
    module.write_text("# mine", encoding="utf-8")

    again = CliRunner().invoke(cli, ["plugins", "new", "loyalty", "--dir", str(tmp_path)])

    assert str(again.exception).endswith("unifier-loyalty: it is there already — choose another name or --dir")
    assert module.read_text(encoding="utf-8") == "# mine"


@pytest.mark.parametrize("name", ["Loyalty", "../up", "a b", ""])
def test_a_name_that_cannot_be_a_package_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written anywhere."""
    found = CliRunner().invoke(cli, ["plugins", "new", name, "--dir", str(tmp_path / "here")])

    assert "it is no name of a plugin" in str(found.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_certify_reports_every_property_and_fails_with_one_that_fails(tmp_path: Path) -> None:
    """The report is handed to a customer: it must be whole, and must not praise what is broken."""
    folder = installed("loyalty", "connector", tmp_path)
    row = {"id": "m1", "changed": "2026-01-01T00:00:00Z", "name": "王芳", "mobile": "19900000001"}
    (tmp_path / "members.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    config = tmp_path / "test.yaml"
    config.write_text("config: {path: members.jsonl}\n", encoding="utf-8")

    good = called(folder, "unifier", "plugins", "certify", "loyalty", "--config", str(config), "--json")
    (tmp_path / "members.jsonl").write_text(json.dumps({**row, "name": 7}) + "\n", encoding="utf-8")
    bad = called(folder, "unifier", "plugins", "certify", "loyalty", "--config", str(config))

    assert good.returncode == 0, good.stdout + good.stderr
    told = json.loads(good.stdout)
    assert (told["plugin"], told["distribution"], told["version"]) == ("loyalty", "unifier-loyalty", "0.1.0")
    assert told["counts"]["failed"] == 0
    assert told["counts"]["passed"] >= 25
    assert told["figures"]["records"] == 1
    assert bad.returncode == 1, bad.stderr
    assert "# Connector loyalty: failed" in bad.stdout
    assert "| every record keeps the contract | failed | 1 records are refused:" in bad.stdout


def test_certify_needs_to_know_the_system(tmp_path: Path) -> None:
    """A kit that reads nothing would prove nothing."""
    found = CliRunner().invoke(cli, ["-p", str(tmp_path), "plugins", "certify", "loyalty"])

    assert str(found.exception) == "certify: it needs either --source or --config — name a test system"
