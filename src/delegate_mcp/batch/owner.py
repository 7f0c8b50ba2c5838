"""Who works on a batch: a server process of a machine, as the ledger has it."""

import os
import platform
from collections.abc import Callable


def this_process() -> str:
    """This process."""
    return f"{platform.node()}:{os.getpid()}"


def machine_of(owner: str) -> str:
    """The machine that it runs on."""
    return owner.rpartition(":")[0]


def is_dead(owner: str, alive: Callable[[int], bool]) -> bool:
    """Whether it was a process of this machine and is no more; of other machines nobody here knows."""
    machine, _, pid = owner.rpartition(":")
    return machine == platform.node() and pid.isdecimal() and not alive(int(pid))
