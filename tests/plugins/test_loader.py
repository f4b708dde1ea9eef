"""The loader: a broken plugin breaks only itself, one that may not be used is never imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from bad_input.project import Shop, open_shop, query
from cast import LI_QIANG, WANG_FANG
from place import call, place, run

GOOD: Final = '''
from unifier import Connector, hookimpl, stream

class Desk(Connector):
    """Members of the desk."""
    name = "desk"

    @stream("profile")
    def members(self, since):
        yield {"record_id": "D1", "observed_at": "2026-05-01T08:00:00Z", "name": "李强",
               "identifiers": [{"type": "phone", "value": "19900000002"}]}

@hookimpl
def unifier_connectors():
    return [Desk]
'''
TAGS: Final = """
from unifier import hookimpl

@hookimpl
def unifier_tags():
    return [{"name": "twice", "value": "bought * 2"}]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on Python's path."""
    return tmp_path / "site"


def _shop(folder: Path, **sections: Any) -> Shop:
    shop = open_shop(folder / "shop", [WANG_FANG])
    shop.configure(**sections)
    return shop


def _with_desk(folder: Path, **sections: Any) -> Shop:
    shop = _shop(folder, **sections)
    shop.configure(sources={**shop.config["sources"], "desk": {"connector": "desk"}})
    return shop


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("import no_such_library", "ModuleNotFoundError (No module named 'no_such_library')"),
        ("import os\nos._exit(7)", "its process left with exit code 7"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("raise SystemExit(3)", "it left with exit code 3"),
        ("import sys\nsys.stdout.write('noise')\nraise ValueError('王芳 19900000001')", "ValueError"),
    ],
    ids=["import", "os._exit", "signal", "sys.exit", "raise"],
)
def test_a_plugin_that_cannot_be_imported_fails_its_source_only(
    tmp_path: Path, site: Path, body: str, why: str
) -> None:
    """The till of another vendor must not stop because one vendor shipped a bad wheel."""
    place(site, "desk", body + "\n")
    told = run(_with_desk(tmp_path), [site])

    assert told.code == 1, told
    assert told.source("crm")["outcome"] == "settled"
    failed = told.source("desk")
    assert (failed["outcome"], failed["error_class"]) == ("failed", "PluginError")
    assert "plugin desk 1.0 (unifier-desk)" in failed["error"]
    assert why in failed["error"]
    assert told.names_nobody


def test_a_plugin_that_hangs_while_it_is_imported_is_ended(tmp_path: Path, site: Path) -> None:
    """A login prompt in an import would hold every run for ever."""
    from unifier.plugins import Interview, Plugin, Record
    from unifier.processes.process import Limits

    site.mkdir()
    (site / "slow.py").write_text("import time\ntime.sleep(600)\n", encoding="utf-8")
    plugin = Plugin("slow", "slow.py", file=site / "slow.py")

    with Interview(plugin, Record(), tmp_path, Limits(deadline=1.0, silence=1.0)) as talk:
        described = talk.description()

    assert described.broken
    assert "1 s" in described.fault


def test_a_second_run_looks_at_no_plugin_again(tmp_path: Path, site: Path) -> None:
    """Looking costs the start of a process; a run from cron every five minutes pays it once."""
    count = tmp_path / "imports"
    counting = f"open({str(count)!r}, 'a').write('x')\n"
    place(site, "desk", counting + GOOD)
    shop = _with_desk(tmp_path)
    assert run(shop, [site]).code == 0
    first = len(count.read_text())
    assert run(shop, [site]).code == 0
    second = len(count.read_text()) - first

    (site / "unifier_desk.py").write_text(counting + GOOD + "\n# another\n", encoding="utf-8")
    assert run(shop, [site]).code == 0
    third = len(count.read_text()) - first - second
    assert (first, second, third) == (2, 1, 2), "to look and to read, to read, to look and to read"


def test_a_plugin_that_is_not_allowed_is_never_imported(tmp_path: Path, site: Path) -> None:
    """The list of allowed plugins is what stands between a typing error and a stranger's code."""
    trace = tmp_path / "imported"
    place(site, "desk", f"open({str(trace)!r}, 'w')\n" + GOOD)
    shop = _with_desk(tmp_path, plugins={"allow": ["unifier-files"]})

    told = run(shop, [site])
    listed = call(shop, [site], "plugins", "--json")

    assert (told.code, told.out) == (4, "")
    assert "plugin desk: unifier-desk is not on the list of allowed plugins" in told.err
    states = {row["name"]: (row["state"], row["why"]) for row in json.loads(listed.out)}
    assert states["desk"] == ("refused", "it is not on the list of allowed plugins")
    assert not trace.exists()


@pytest.mark.parametrize("name", ["desk", "unifier-desk"])
def test_a_plugin_is_allowed_by_either_name(tmp_path: Path, site: Path, name: str) -> None:
    """People write what they installed, or what they configure."""
    place(site, "desk", GOOD)

    told = run(_with_desk(tmp_path, plugins={"allow": ["files", name]}), [site])

    assert told.code == 0, told
    assert told.source("desk")["landed"] == 1


def test_two_plugins_of_one_name_are_refused_naming_both(tmp_path: Path, site: Path) -> None:
    """Which of two is imported must not depend on the order of a folder."""
    place(site, "desk", GOOD)
    place(site, "desk", GOOD, distribution="acme-desk")

    told = run(_with_desk(tmp_path), [site])

    assert (told.code, told.out) == (4, "")
    assert "both acme-desk and unifier-desk offer it" in told.err
    assert call(_with_desk(tmp_path / "more"), [site], "plugins", "--json").code == 0


def test_two_plugins_of_one_connector_are_refused_naming_both(tmp_path: Path, site: Path) -> None:
    """The same rule one floor below."""
    place(site, "one", GOOD)
    place(site, "other", GOOD)

    told = run(_with_desk(tmp_path), [site])

    assert told.code == 4, told
    assert "unifier-one and unifier-other offer it" in told.err


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("unifier_api = 2\n" + GOOD, "made for version 2 of the doors, here is 1"),
        (GOOD + "\n@hookimpl\ndef unifier_conectors():\n    return []\n", "there is no hook unifier_conectors"),
        (GOOD.replace("@hookimpl\n", ""), "unifier_connectors is not marked as a hook"),
        ("x = 1\n", "it fills no door"),
    ],
    ids=["api", "unknown hook", "unmarked", "empty"],
)
def test_a_plugin_made_for_other_doors_stops_the_run(tmp_path: Path, site: Path, body: str, why: str) -> None:
    """Half of a plugin is worse than none: what it meant to do would silently not happen."""
    place(site, "desk", body)

    told = run(_with_desk(tmp_path), [site])

    assert (told.code, told.out) == (4, ""), told
    assert why in told.err


def test_the_nearest_hook_is_named(tmp_path: Path, site: Path) -> None:
    """Most unknown hooks are typing errors."""
    place(site, "desk", GOOD + "\n@hookimpl\ndef unifier_tagz():\n    return []\n")

    assert "did you mean 'unifier_tags'?" in run(_with_desk(tmp_path), [site]).err


def test_unifier_connectors_of_a_local_file_are_read(tmp_path: Path) -> None:
    """An integrator writes a connector beside the configuration and packs it when it works."""
    shop = _with_desk(tmp_path, plugins={"allow": ["files"], "files": ["connectors/desk.py"]})
    (shop.folder / "connectors").mkdir()
    (shop.folder / "connectors" / "desk.py").write_text(GOOD, encoding="utf-8")

    told = run(shop, [])

    assert told.code == 0, told
    assert query(shop.warehouse, "SELECT name FROM members WHERE name = '李强'") == [(LI_QIANG.name,)]
    (row,) = [row for row in json.loads(call(shop, [], "plugins", "--json").out) if row["name"] == "desk"]
    assert (row["distribution"], row["doors"], row["state"]) == ("connectors/desk.py", ["unifier_connectors"], "ok")


def test_a_local_file_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    """A source that nobody reads any more is noticed today, not at the end of the quarter."""
    told = run(_shop(tmp_path, plugins={"files": ["connectors/desk.py"]}), [])

    assert told.code == 4
    assert "plugins.files connectors/desk.py: there is no such Python file" in told.err


def test_what_is_installed_does_nothing_until_it_is_used(tmp_path: Path, site: Path) -> None:
    """An upgrade of the machine must not change who is in which segment."""
    place(site, "twice", TAGS)
    shop = _shop(tmp_path)

    assert run(shop, [site]).code == 0
    before = query(shop.warehouse, "SELECT name FROM tags ORDER BY name")
    shop.configure(plugins={"use": {"twice": None}})
    assert run(shop, [site]).code == 0

    assert before == [("bought",)]
    assert query(shop.warehouse, "SELECT name FROM tags ORDER BY name") == [("bought",), ("twice",)]
    assert query(shop.warehouse, "SELECT twice FROM member_tags") == [(2,)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (TAGS.replace("bought * 2", "bougth * 2"), "unknown field 'bougth'"),
        (TAGS.replace('"value"', '"valeu"'), "its tags: "),
        (TAGS.replace("return [", "raise KeyError('phone')\n    return ["), "unifier_tags raised KeyError 'phone'"),
        ("import no_such_library\n", "No module named 'no_such_library'"),
    ],
    ids=["expression", "shape", "raise", "import"],
)
def test_a_used_plugin_that_fails_stops_the_run_before_it_begins(
    tmp_path: Path, site: Path, body: str, why: str
) -> None:
    """Tags without their plugin would retire, and segments would lose their people."""
    place(site, "twice", body)
    shop = _shop(tmp_path, plugins={"use": {"twice": {}}})

    told = run(shop, [site])

    assert (told.code, told.out) == (4, ""), told
    assert why in told.err
    assert "plugin twice 1.0" in told.err
    assert not shop.store.exists()


def test_a_plugin_that_is_used_and_not_there_is_named_with_the_nearest(tmp_path: Path, site: Path) -> None:
    """The name of a plugin is easily mistyped."""
    place(site, "twice", TAGS)

    told = run(_shop(tmp_path, plugins={"use": {"twise": {}}}), [site])

    assert told.code == 4
    assert "plugin twise: it is not installed — did you mean 'twice'?" in told.err


def test_the_list_tells_states_doors_and_why(tmp_path: Path, site: Path) -> None:
    """One look tells an operator what is there and what to do about it."""
    place(site, "desk", GOOD)
    place(site, "twice", TAGS)
    place(site, "bad", "import no_such_library\n")
    place(site, "old", "unifier_api = 0\n" + TAGS)
    shop = _with_desk(tmp_path)

    rows = {row["name"]: row for row in json.loads(call(shop, [site], "plugins", "list", "--json").out)}

    states = {name: row["state"] for name, row in rows.items() if name in {"desk", "twice", "bad", "old", "files"}}
    assert states == {"files": "ok", "desk": "ok", "twice": "unused", "bad": "broken", "old": "refused"}
    assert rows["twice"]["doors"] == ["unifier_tags"]
    assert "no_such_library" in rows["bad"]["why"]
    assert rows["desk"]["seconds"] >= 0
    table = call(shop, [site], "plugins")
    assert all(word in table.out for word in ("unifier-desk", "1.0", "connectors", "broken"))


def test_a_trace_names_hooks_and_plugins_and_no_arguments(tmp_path: Path, site: Path) -> None:
    """Who looks for a slow plugin needs names and times; a log must not hold settings."""
    secret = "a word that nobody may read"
    schema = "unifier_config_schema = {'type': 'object'}\n"
    place(site, "twice", schema + TAGS)
    place(site, "desk", GOOD)
    shop = _with_desk(tmp_path, plugins={"use": {"twice": {"word": secret}}})

    told = run(shop, [site], UNIFIER_TRACE="1")

    assert told.code == 0, told
    calls = [line.split() for line in told.err.splitlines() if line.startswith("hook ")]
    assert {(line[1], line[3]) for line in calls} >= {("unifier_tags", "twice"), ("unifier_connectors", "desk")}
    assert all(line[5] == "ms" and float(line[4]) >= 0 for line in calls)
    assert secret not in told.err
    assert "hook " not in run(shop, [site]).err
