"""A PostgreSQL server of the tests' own: in a folder that goes with it, on a Unix socket, not run as root."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

DEBIAN = Path("/usr/lib/postgresql")
MISSING = "PostgreSQL's initdb is neither on PATH nor under /usr/lib/postgresql: apt-get install postgresql"
USER = "delegate"
_START_S = 60.0
_ASK_AGAIN_S = 0.02
_FAST = ("fsync=off", "full_page_writes=off")


def programs() -> Path | None:
    """The folder with initdb and postgres, the newest where there are several, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return debian[-1].parent if debian else None


class PostgresServer:
    """One server from `with` to its end. `durable` keeps fsync as it is by default: for measuring."""

    def __init__(self, *, durable: bool = False) -> None:
        found = programs()
        if found is None:
            raise FileNotFoundError(MISSING)
        self._programs = found
        self._durable = durable
        self._names = (f"ledger_{number}" for number in itertools.count(1))
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            os.chown(self.folder, *_somebody())
        self._run("initdb", "-D", self._data, "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start, and return when it takes connections. In our process group: what ends the tests ends it too."""
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=100")
        settings += () if self._durable else _FAST
        flags = [flag for setting in settings for flag in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen[bytes](
                [self._programs / "postgres", "-D", self._data, *flags],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_unprivileged(),
            )
        self._process = process
        give_up = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}") from None
                time.sleep(_ASK_AGAIN_S)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT breaks off the clients' connections, SIGQUIT as a crash does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
            self._process = None

    def dsn(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def fresh_database(self) -> str:
        """The address of a new, empty database."""
        name = next(self._names)
        self.execute("postgres", f"CREATE DATABASE {name}")
        return self.dsn(name)

    def execute(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the database's owner, on a connection of its own."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def connected(self, dsn: str) -> Generator[psycopg.Connection]:
        """A stranger's connection with a transaction under way, rolled back at the end."""
        connection = psycopg.connect(dsn)
        try:
            yield connection
        finally:
            connection.close()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str | Path) -> None:
        ran = subprocess.run(
            [self._programs / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **_unprivileged(),
        )
        if ran.returncode:
            raise RuntimeError(f"{program} failed:\n{ran.stdout}{ran.stderr}")


def _somebody() -> tuple[int, int]:
    """User and group that the server runs as where we are root, which PostgreSQL refuses to be."""
    import pwd  # not on Windows, where these tests are collected too

    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return user.pw_uid, user.pw_gid


def _unprivileged() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user, group = _somebody()
    return {"user": user, "group": group, "extra_groups": []}
