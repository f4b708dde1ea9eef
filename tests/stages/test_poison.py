"""A broken plugin breaks only itself: it is named, the others' records are the same to the bit, nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from stages.shops import HERE, Shop, source

from unifier.processes.process import Limits
from unifier.stages.extract import Source

SHORT = Limits(deadline=8.0, silence=3.0, memory=700_000_000)
ROWS = [{"id": f"r{number}", "name": "王芳" * (number % 7)} for number in range(200)]

KILLED = "its process was ended by SIGKILL"
HARM = {
    "raise": "it raised ValueError in poison.py line ",
    "close": "it raised RuntimeError in poison.py line ",
    "sleep": "it gave no sign of life for 3 s",
    "hold": "it gave no sign of life for 3 s",
    "endless": "it was not done within 8 s",
    "leak": "it took more than 700 MB of memory",
    "huge": "it took more than 700 MB of memory",
    "leave": "its process left with exit code 0 before it had finished",
    "segfault": "its process was ended by SIGSEGV",
    "fork": "it started more than 64 processes",
    "kill": KILLED,
    "patch": "it raised RuntimeError in poison.py line ",
    "no record": "yields object, where a record is a dict",
}
"""What stops the source, and what its report says."""

HARMLESS = ("orphan", "litter", "shout", "move", "clean", "exit", "wrong", "twice")
"""What a plugin may do to its own process, and what only costs it a record."""


def good(name: str) -> Source:
    """Configure a source that does nothing wrong."""
    return source("till", "pages", name, rows=ROWS)


def poison(do: str) -> Source:
    """Configure a source that does harm."""
    return source("poison", "poison", "poison", SHORT, do=do)


def records(shop: Shop, name: str) -> list[tuple[Any, ...]]:
    """Read what came of a source, content hashes included."""
    return shop.store.con.execute(
        "SELECT r.record_id, r.observed_at, r.content, r.name, r.deleted FROM profile r "
        "JOIN source s ON s.source_no = r.source_no WHERE s.name = ? ORDER BY 1",
        [name],
    ).fetchall()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """Read the good source alone."""
    shop = Shop(tmp_path_factory.mktemp("undisturbed"))
    shop.read(good("till"))
    found = records(shop, "till")
    shop.store.close()
    assert len(found) == len(ROWS)
    return found


def left_over() -> list[str]:
    """List processes of plugins that are still there."""
    found = []
    for one in psutil.process_iter(["cmdline"]):
        line = " ".join(one.info["cmdline"] or ())
        if "unifier.stages.reader" in line or "orphan-of-poison" in line:
            found.append(line)
    return found


@pytest.mark.parametrize("do", [*HARM, *HARMLESS])
def test_a_poisoned_plugin_breaks_only_itself(
    do: str, tmp_path: Path, undisturbed: list[tuple[Any, ...]], capfd: pytest.CaptureFixture[str]
) -> None:
    """Beside it, a good source is read to the end; afterwards nothing of it runs, and nothing it said was believed."""
    shop = Shop(tmp_path)
    here, started = Path.cwd(), time.monotonic()
    bad, well = shop.read(poison(do), good("till"))
    taken = time.monotonic() - started

    assert (well.outcome, well.error) == ("settled", "")
    assert records(shop, "till") == undisturbed
    if do in HARM:
        assert bad.outcome == "failed"
        assert HARM[do] in bad.error
        assert bad.error.startswith(("plugin poison 1: ", "source poison stream people: "))
    else:
        assert (bad.outcome, bad.error) == ("settled", "")
        assert {row[0] for row in records(shop, "poison")} >= {"x0", "x1", "x2", "last"}
    assert taken < SHORT.deadline + 5 + 10, "it was not cut at its deadline"
    assert left_over() == []
    assert here == Path.cwd()
    assert list(tmp_path.glob("landing/*")) == []
    out, err = capfd.readouterr()
    assert "19900000001" not in out + err + bad.error
    assert "s3cret" not in out + err + bad.error
    shop.store.close()


def test_a_plugin_that_cannot_be_imported_names_what_is_missing(
    tmp_path: Path, undisturbed: list[tuple[Any, ...]]
) -> None:
    """The operator reads which library to install."""
    (tmp_path / "missing.py").write_text("import a_library_that_nobody_has\n", encoding="utf-8")
    shop = Shop(tmp_path)
    plugin = {"name": "missing", "version": "1", "file": str(tmp_path / "missing.py")}
    bad, well = shop.read(replace(poison("raise"), plugin=plugin), good("till"))

    assert bad.outcome == "failed"
    assert "a_library_that_nobody_has" in bad.error
    assert well.outcome == "settled"
    assert records(shop, "till") == undisturbed
    shop.store.close()


def test_two_sources_of_one_poisoned_plugin_are_stopped_each_by_its_own_limits(tmp_path: Path) -> None:
    """One hangs, one leaks; both are told apart."""
    shop = Shop(tmp_path)
    hangs, leaks = shop.read(replace(poison("sleep"), name="a"), replace(poison("leak"), name="b"))

    assert "sign of life" in hangs.error
    assert "memory" in leaks.error
    shop.store.close()


def project(folder: Path) -> Path:
    """Write a project whose one source hangs and does not listen to SIGTERM."""
    folder.mkdir()
    plugin = (HERE / "poison.py").as_posix()
    (folder / "unifier.yaml").write_text(
        f"plugins: {{files: ['{plugin}']}}\nsources:\n  poison: {{connector: poison, config: {{do: sleep}}}}\n",
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize("signals", [1, 2])
def test_a_run_that_is_interrupted_takes_a_plugin_that_hangs_with_it(tmp_path: Path, signals: int) -> None:
    """One Ctrl-C stops cleanly, though the plugin does not listen; a second one stops at once. Nothing stays behind."""
    shop = project(tmp_path / "shop")
    run = subprocess.Popen(
        [sys.executable, "-m", "unifier", "-p", str(shop), "run", "extract"], stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while not any("unifier.stages.reader" in line for line in left_over()) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1.5)  # let the plugin be imported and hang
    for _ in range(signals):
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
    started = time.monotonic()
    _, err = run.communicate(timeout=20)

    assert run.returncode == 130
    assert signals == 2 or "stopped by SIGINT" in err
    assert time.monotonic() - started < (2.0 if signals == 2 else 10.0)
    time.sleep(1.0)  # the kernel ends the children of a process that has left
    assert left_over() == []
