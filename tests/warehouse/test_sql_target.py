"""SQL targets: stages, one transaction, and what happens when the server dies."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from warehouse.conftest import PASSWORD, Server
from warehouse.world import World, merge_people, sql_rows

from unifier.warehouse.sql_target import _SqlSession


@pytest.fixture
def url(postgresql: Server) -> str:
    """Give an empty PostgreSQL database."""
    postgresql.create("dying")
    return postgresql.url.replace("/postgres", "/dying")


@pytest.mark.server
def test_a_server_that_dies_between_stage_and_apply_keeps_the_last_run(
    world: World, postgresql: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers must see run k-1 or run k, whatever happens to the server, and nobody repairs it by hand."""
    target = world.target("pg", url)
    world.publish(1, target)
    merge_people(world, 2)
    load = _SqlSession._load

    def die(session: _SqlSession, *arguments: object) -> None:
        load(session, *arguments)  # type: ignore[arg-type]
        if arguments[0].name == "unifier_stage_runs_keys":  # type: ignore[attr-defined]
            postgresql.kill()
            postgresql.start()

    with monkeypatch.context() as patched:
        patched.setattr(_SqlSession, "_load", die)
        (broken,) = world.publish(2, target)

    assert not broken.is_published
    assert [row[0] for row in sql_rows(url)["runs"]] == [1]
    assert len(sql_rows(url)["members"]) == 3
    (mended,) = world.publish(3, target)
    assert mended.is_published
    assert [row[0] for row in sql_rows(url)["runs"]] == [1, 3]
    assert len(sql_rows(url)["members"]) == 2


@pytest.mark.server
def test_published_columns_have_exact_types(world: World, url: str) -> None:
    """A time that arrives as text, or money as a float, is found out much too late."""
    world.publish(1, world.target("pg", url))

    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        columns = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name IN"
        rows = connection.exec_driver_sql(f"{columns} ('orders', 'order_lines', 'runs')").fetchall()
        stages = connection.exec_driver_sql("SELECT 1 FROM pg_tables WHERE tablename LIKE 'unifier%%'").fetchall()
    found = {name: type_ for name, type_ in rows}  # noqa: C416 - rows are no pairs to a type checker
    engine.dispose()
    wanted = {
        "amount": "bigint",
        "quantity": "double precision",
        "ordered_at": "timestamp without time zone",
        "as_of": "date",
        "one_id": "text",
    }
    assert {name: found[name] for name in wanted} == wanted
    assert stages == []


@pytest.mark.server
@pytest.mark.parametrize("wrong", ["password", "port"])
def test_the_password_is_never_in_a_message(world: World, url: str, wrong: str) -> None:
    """Messages end in logs and tickets."""
    secret = "hunter2%2Fx"
    broken = url.replace("s3cret", secret) if wrong == "password" else re.sub("127.0.0.1:[0-9]+", "127.0.0.1:1", url)
    (report,) = world.publish(1, world.target("pg", broken))

    text = f"{report} {report.error!r} {report.error}"
    assert report.error is not None
    assert "target pg: " in text
    for word in (secret, "hunter2/x", PASSWORD, "s3cret%2Fw"):
        assert word not in text


@pytest.mark.parametrize("url", ["nosuch://ann:hunter2@db/x", "not a url hunter2", "oracle://ann:hunter2@db/x"])
def test_a_url_that_cannot_be_used_says_so_without_credentials(world: World, url: str) -> None:
    """The author of the config needs the target's name, and nobody needs the password."""
    (report,) = world.publish(1, world.target("lake", url))

    assert report.error is not None
    assert str(report.error).startswith("target lake: ")
    assert "hunter2" not in f"{report}{report.error!r}"
