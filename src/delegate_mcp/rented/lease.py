"""What all server processes of a user know of one rented machine: whether it is held, who pays for it, who uses it."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from delegate_mcp.platforms import FileLock, pid_alive, private_dir, write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A machine that may be running, and so may cost money, until its stop command has succeeded."""

    since: float
    """When its start command began, in Unix seconds."""
    paid_until: float
    """Up to when its cost stands in the ledger."""


class Lease:
    """The files of one machine. Whoever holds `payer` starts it, pays for it and stops it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = private_dir(folder)
        self._state = folder / f"{name}.json"
        self._prefix = f"{name}.used-"
        self.payer = FileLock(folder / f"{name}.lock")
        self.log = folder / f"{name}.log"

    def held(self) -> Held | None:
        """As the last payer left it."""
        try:
            data: Any = json.loads(self._state.read_text(encoding="utf-8"))
            return Held(since=float(data["since"]), paid_until=float(data["paid_until"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            return Held(since=0.0, paid_until=0.0)  # better stopped once too often than left running

    def hold(self, held: Held) -> None:
        """Write it down before it is true."""
        write_private(self._state, json.dumps(asdict(held)).encode())

    def let_go(self) -> None:
        """The machine is gone."""
        self._state.unlink(missing_ok=True)

    def used(self, now: float) -> None:
        """This process uses it now."""
        mine = self._folder / f"{self._prefix}{os.getpid()}"
        mine.touch(mode=0o600)
        os.utime(mine, (now, now))

    def left(self) -> None:
        """This process uses it no more."""
        (self._folder / f"{self._prefix}{os.getpid()}").unlink(missing_ok=True)

    def last_used(self) -> float:
        """When any process did; 0 where none has."""
        return max((at for _, at in self._users()), default=0.0)

    def others(self) -> bool:
        """Whether another living process uses it."""
        return any(pid != os.getpid() for pid, _ in self._users())

    def _users(self) -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        for path in self._folder.glob(f"{self._prefix}*"):
            with suppress(OSError, ValueError):
                pid = int(path.name.removeprefix(self._prefix))
                if pid_alive(pid):
                    found.append((pid, path.stat().st_mtime))
                else:
                    path.unlink()
        return found
