"""CONTRIBUTING shows a whole plugin; this runs exactly that text."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(language: str) -> list[str]:
    """List the fenced blocks of a language in CONTRIBUTING."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_connector_of_ten_minutes_runs_as_it_is_written(tmp_path: Path) -> None:
    """A newcomer copies it; if it did not run, nothing else here would be believed."""
    (tmp_path / "unifier_loyalty.py").write_text(blocks("python")[0], encoding="utf-8")
    (tmp_path / "unifier.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    (tmp_path / "members.jsonl").write_text(
        '{"id": "1", "changed": "2026-01-02T03:04:05Z", "name": "王芳", "mobile": "19900000001"}\n'
        '{"id": "2", "changed": "2026-01-02T03:04:05Z", "name": "王芳", "mobile": "+86 199-0000-0001"}\n',
        encoding="utf-8",
    )
    # What pip writes when it installs the package: the entry point, found by its metadata.
    info = tmp_path / "unifier_loyalty-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unifier-loyalty\nVersion: 0.1.0\n", encoding="utf-8")
    entry = re.search(r"\[project\.entry-points\.unifier\]\n(.*)\n", blocks("toml")[0])
    assert entry
    (info / "entry_points.txt").write_text(f"[unifier]\n{entry.group(1).replace(chr(34), '')}\n", encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "-m", "unifier", "-p", str(tmp_path), "run", "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert '"persons": 1' in run.stdout
