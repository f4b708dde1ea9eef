"""Give tests a shop that ran once, and copies of it to harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input.project import Shop, copied, open_shop


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Run a shop once; nobody may change it."""
    shop = open_shop(tmp_path_factory.mktemp("ran") / "shop")
    first = shop.run()
    assert first.code == 0, first
    return shop


@pytest.fixture
def shop(ran: Shop, tmp_path: Path) -> Shop:
    """Copy the shop that ran."""
    return copied(ran, tmp_path / "shop")
