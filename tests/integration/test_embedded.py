"""The embedded Postgres: started, shared, killed and ended by real processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from bot.embedded import OURS_SETTINGS, SHADOW_SETTINGS, Cluster, Server, ServerUnavailable
from bot.embedded.cluster import Address
from bot.embedded.locks import is_held
from tests.processes import postgres_of, processes_of, wait_until, words_of

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0

#: Holds the cluster in the home given until its input ends, then lets go.
GUEST = """
import sys
from pathlib import Path
from bot.embedded import Cluster, SHADOW_SETTINGS, Server
with Server(Cluster(home=Path(sys.argv[1]), name="shadow", settings=SHADOW_SETTINGS)) as server:
    print(server.dsn(), flush=True)
    sys.stdin.read()
"""


class Guest:
    """A process that holds the cluster `shadow` of a home."""

    def __init__(self, home: Path, program: str = GUEST, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(home), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def dsn(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that any account can pass through; nothing of it runs when the test ends."""
    folder = Path(tempfile.mkdtemp(prefix="lk", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder
    wait_until(lambda: not processes_of(cluster(folder)))
    shutil.rmtree(folder)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[], Guest]]:
    """Starts guests of the home; ends those that the test left."""
    guests: list[Guest] = []

    def start_one() -> Guest:
        guests.append(Guest(home))
        return guests[-1]

    yield start_one
    for guest in guests:
        if guest.process.poll() is None:
            guest.kill()


def cluster(home: Path) -> Cluster:
    return Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)


def address(home: Path) -> Address:
    found = Address.read(cluster(home).address)
    assert found
    return found


def answer(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as shadow:
        row = shadow.execute(query.encode()).fetchone()
    assert row
    return row[0]


def can_connect(dsn: str) -> bool:
    try:
        return answer(dsn, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def commit_a_row(dsn: str) -> None:
    with psycopg.connect(dsn) as shadow:
        shadow.execute("CREATE TABLE IF NOT EXISTS kept (at timestamptz DEFAULT now())")
        shadow.execute("INSERT INTO kept DEFAULT VALUES")
        shadow.commit()
        shadow.execute("CHECKPOINT")


def test_guests_that_start_together_share_one_server(home: Path, start: Callable[[], Guest]) -> None:
    guests = [start() for _ in range(4)]

    dsns = {guest.dsn() for guest in guests}

    assert len(dsns) == 1
    assert len([pid for pid in postgres_of(cluster(home)) if " -D " in words_of(pid)]) == 1


def test_the_server_stops_with_the_last_guest_and_not_before(home: Path, start: Callable[[], Guest]) -> None:
    starter, other = start(), start()
    dsn = starter.dsn()
    other.dsn()

    starter.leave()
    assert can_connect(dsn)
    other.leave()

    assert not postgres_of(cluster(home))


def test_the_server_outlives_its_starter_killed(home: Path, start: Callable[[], Guest]) -> None:
    starter = start()
    dsn = starter.dsn()
    postmaster = address(home).postmaster_pid
    other = start()
    other.dsn()

    starter.kill()

    with psycopg.connect(dsn):
        assert address(home).postmaster_pid == postmaster
    other.leave()
    assert not postgres_of(cluster(home))


def test_the_server_stops_when_every_guest_is_killed(home: Path, start: Callable[[], Guest]) -> None:
    guests = [start(), start()]
    for guest in guests:
        guest.dsn()

    for guest in guests:
        guest.kill()

    wait_until(lambda: not processes_of(cluster(home)))


def test_a_guest_killed_while_it_starts_leaves_nothing(home: Path, start: Callable[[], Guest]) -> None:
    guest = start()
    wait_until(lambda: processes_of(cluster(home)))

    guest.kill()

    wait_until(lambda: not processes_of(cluster(home)))
    with Server(cluster(home)) as server:
        assert can_connect(server.dsn())


def test_postgres_killed_comes_back_at_its_address_with_every_committed_row(home: Path) -> None:
    with Server(cluster(home)) as server:
        dsn = server.dsn()
        commit_a_row(dsn)
        killed = address(home).postmaster_pid

        os.kill(killed, signal.SIGKILL)

        wait_until(lambda: can_connect(dsn))
        assert answer(dsn, "SELECT count(*) FROM kept") == 1
        assert address(home).postmaster_pid != killed
    assert not postgres_of(cluster(home))


def test_a_long_statement_of_a_killed_postgres_does_not_keep_the_next_from_starting(home: Path) -> None:
    with Server(cluster(home)) as server, psycopg.connect(server.dsn()) as busy:
        count = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
        busy.pgconn.send_query(count.encode())

        os.kill(address(home).postmaster_pid, signal.SIGKILL)

        wait_until(lambda: can_connect(server.dsn()))
        busy.close()


def test_a_killed_supervisor_is_replaced_while_a_guest_holds_on(home: Path) -> None:
    with Server(cluster(home)) as server:
        dsn = server.dsn()
        commit_a_row(dsn)
        killed = address(home).supervisor_pid

        os.kill(killed, signal.SIGKILL)

        wait_until(lambda: (now := Address.read(cluster(home).address)) and now.supervisor_pid != killed)
        wait_until(lambda: can_connect(dsn))
        assert answer(dsn, "SELECT count(*) FROM kept") == 1
    assert not postgres_of(cluster(home))


def test_supervisor_and_guest_killed_together_lose_no_row(home: Path, start: Callable[[], Guest]) -> None:
    guest = start()
    commit_a_row(guest.dsn())

    os.kill(address(home).supervisor_pid, signal.SIGKILL)
    guest.kill()
    # A process dies a moment after the signal, and holds its locks until then.
    wait_until(lambda: not is_held(cluster(home).supervisor))

    with Server(cluster(home)) as server:
        assert answer(server.dsn(), "SELECT count(*) FROM kept") == 1


def test_a_guest_that_leaves_after_its_supervisor_was_killed_leaves_nothing(home: Path) -> None:
    with Server(cluster(home)):
        os.kill(address(home).supervisor_pid, signal.SIGKILL)

    assert not postgres_of(cluster(home))


def test_everything_killed_at_once_is_recovered(home: Path, start: Callable[[], Guest]) -> None:
    guest = start()
    commit_a_row(guest.dsn())
    now = address(home)

    for pid in (now.supervisor_pid, now.postmaster_pid, guest.process.pid):
        os.kill(pid, signal.SIGKILL)
    guest.process.communicate()
    wait_until(lambda: not is_held(cluster(home).supervisor))

    with Server(cluster(home)) as server:
        assert answer(server.dsn(), "SELECT count(*) FROM kept") == 1


def test_a_stranger_with_the_number_in_the_pid_file_is_left_alone(home: Path) -> None:
    with Server(cluster(home)):
        data = cluster(home).folder / "data"
        left_behind = (data / "postmaster.pid").read_text().splitlines()
    user = data.stat().st_uid if IS_ROOT else None
    with subprocess.Popen(["/bin/sleep", "600"], user=user, cwd="/") as stranger:
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left_behind[1:]]) + "\n")
        if user is not None:
            os.chown(data / "postmaster.pid", user, -1)

        with Server(cluster(home)) as server:
            assert can_connect(server.dsn())

        assert stranger.poll() is None
        stranger.kill()


def test_a_taken_port_is_exchanged_and_a_free_one_kept(home: Path) -> None:
    with Server(cluster(home)):
        port = address(home).port
    with Server(cluster(home)):
        assert address(home).port == port

    with socket.create_server(("127.0.0.1", port)), Server(cluster(home)) as server:
        assert address(home).port != port
        assert can_connect(server.dsn())


def test_nobody_connects_without_the_password(home: Path) -> None:
    with Server(cluster(home)) as server:
        dsn = server.dsn()
        password = cluster(home).password
        secret = password.read_text()

        assert secret in dsn
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        for wrong in (dsn.replace(secret, "guessed"), dsn.replace(f":{secret}@", "@")):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(wrong)
        assert answer(dsn, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
        assert answer(dsn, "SELECT rolpassword FROM pg_authid WHERE rolname = 'lockkeeper'") != secret
        assert answer(dsn, "SHOW listen_addresses") == "127.0.0.1"
        assert answer(dsn, "SHOW unix_socket_directories") == ""


def test_two_clusters_of_one_home_share_no_password_and_no_identity(home: Path) -> None:
    ours_cluster = Cluster(home=home, name="ours", settings=OURS_SETTINGS)
    identity = "SELECT system_identifier FROM pg_control_system()"
    with Server(ours_cluster) as ours, Server(cluster(home)) as shadow:
        assert ours_cluster.password.read_text() != cluster(home).password.read_text()
        assert answer(ours.dsn(), identity) != answer(shadow.dsn(), identity)
        assert [answer(ours.dsn(), f"SHOW {name}") for name in ("fsync", "synchronous_commit")] == [
            "on",
            "on",
        ]
        for name, value in SHADOW_SETTINGS.items():
            assert str(answer(shadow.dsn(), f"SHOW {name}")) == value


def test_a_databases_name_may_hold_anything(home: Path) -> None:
    name = 'Ships & "locks"/50%?x=ü'
    with Server(cluster(home)) as server:
        first = server.create_database(name)
        with psycopg.connect(first) as shadow:
            shadow.execute("CREATE TABLE ship (id int)")

        copy = server.create_database("copy", template=name)

        assert answer(first, "SELECT current_database()") == name
        assert answer(copy, "SELECT count(*) FROM ship") == 0


def test_dropping_a_database_cuts_its_connections_and_may_be_repeated(home: Path) -> None:
    with Server(cluster(home)) as server, psycopg.connect(server.create_database("busy")) as busy:
        server.drop_database("busy")
        server.drop_database("busy")

        with pytest.raises(psycopg.OperationalError):
            busy.execute("SELECT 1")
        assert answer(server.dsn(), "SELECT count(*) FROM pg_database WHERE datname = 'busy'") == 0


def test_postgres_sees_nothing_of_our_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKKEEPER_KEY", "a secret")

    with Server(cluster(home)):
        seen = psutil.Process(address(home).postmaster_pid).environ()

    # Postgres adds the variables that begin with PG.
    assert {name for name in seen if not name.startswith("PG")} <= {"PATH", "LC_ALL"}


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    wrong = Cluster(home=home, name="shadow", settings={"work_mem": "much"})

    with pytest.raises(ServerUnavailable, match='invalid value for parameter "work_mem": "much"'):
        Server(wrong).__enter__()

    with Server(cluster(home)) as server:
        assert can_connect(server.dsn())


def test_a_server_that_was_left_can_be_entered_again_but_not_twice_at_once(home: Path) -> None:
    server = Server(cluster(home))
    with server, pytest.raises(RuntimeError, match="entered already"):
        server.__enter__()
    with pytest.raises(RuntimeError, match="not entered"):
        server.dsn()

    with server:
        assert can_connect(server.dsn())


def test_the_process_that_inherits_orphans_is_left_without_any(home: Path) -> None:
    """Process 1 of a container inherits them; here a process that asked the kernel for them."""
    inheriting = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
exec(sys.argv[2])
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    sys.exit(0)
sys.exit(3)
"""
    guest = Guest(home, inheriting, GUEST)
    guest.dsn()
    killed = address(home).supervisor_pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: (now := Address.read(cluster(home).address)) and now.supervisor_pid != killed)

    guest.leave()


def test_a_cluster_is_utf8_with_checksums_and_unicode_letters(home: Path) -> None:
    with Server(cluster(home)) as server:
        dsn = server.dsn()

        assert answer(dsn, "SHOW server_encoding") == "UTF8"
        assert answer(dsn, "SHOW data_checksums") == "on"
        assert (
            answer(dsn, "SELECT upper('schließe é') || to_tsvector('simple', 'één')::text")
            == "SCHLIEßE É'één':1"
        )
