"""What memory this machine has for models: RAM, and the memory of its GPUs, as they are at this moment."""

import importlib
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# macOS lets a program's GPU buffers have about this share of the memory that it shares with the processor.
_UNIFIED_SHARE = 0.7
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU."""

    name: str
    total: int
    """Bytes."""
    free: int
    unified: bool = False
    """Its memory is the machine's RAM: what it takes is gone there too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The memory of this machine, in bytes."""

    ram_total: int
    ram_free: int
    """What programs may take without swapping; caches that the system would give up count as free."""
    gpus: tuple[Gpu, ...] = ()

    def without_gpus(self) -> "Hardware":
        """The same for an engine that cannot use them."""
        return replace(self, gpus=())

    def emptied(self) -> "Hardware":
        """The same with nothing else running: what could ever fit."""
        gpus = tuple(replace(gpu, free=gpu.total) for gpu in self.gpus)
        return replace(self, ram_free=self.ram_total, gpus=gpus)


def look(environ: Mapping[str, str] = os.environ, *, cgroup: Path = _CGROUP, nvml: Any = None) -> Hardware:
    """Look now: a few milliseconds. What cannot be asked counts as not there; `cgroup` and `nvml` stand in in tests."""
    total, free = _ram(cgroup)
    gpus = _nvidia(environ, nvml or _load_nvml()) or _apple(total, free)
    return Hardware(ram_total=total, ram_free=free, gpus=gpus)


def _ram(cgroup: Path) -> tuple[int, int]:
    import psutil

    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    # A container may have less than its machine.
    limit = _number(cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes")
    if limit is not None and limit < total:
        used = _number(cgroup / "memory.current", cgroup / "memory" / "memory.usage_in_bytes") or 0
        reclaimable = _reclaimable(cgroup / "memory.stat", cgroup / "memory" / "memory.stat")
        total, free = limit, max(0, min(free, limit - used + reclaimable))
    return total, free


def _number(*places: Path) -> int | None:
    for place in places:
        with suppress(OSError, ValueError):
            return int(place.read_text(encoding="ascii"))
    return None


def _reclaimable(*places: Path) -> int:
    """File pages that a container's limit counts and that make room when room is wanted."""
    for place in places:
        with suppress(OSError, ValueError):
            rows = dict(line.split() for line in place.read_text(encoding="ascii").splitlines())
            return int(rows.get("inactive_file", rows.get("total_inactive_file", 0)))
    return 0


def _load_nvml() -> Any:
    """NVIDIA's own library for Python, or None where it is not installed."""
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        return None


def _nvidia(environ: Mapping[str, str], nvml: Any) -> tuple[Gpu, ...]:
    if nvml is None:
        return ()
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return ()  # no driver
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
        seen = [
            handle
            for number, handle in enumerate(handles)
            if _visible(environ.get("CUDA_VISIBLE_DEVICES"), number, str(nvml.nvmlDeviceGetUUID(handle)))
        ]
        memory = [(handle, nvml.nvmlDeviceGetMemoryInfo(handle)) for handle in seen]
        return tuple(
            Gpu(name=str(nvml.nvmlDeviceGetName(handle)), total=int(of.total), free=int(of.free))
            for handle, of in memory
        )
    except nvml.NVMLError:
        return ()  # a driver that cannot tell: the engine will find out what there is
    finally:
        nvml.nvmlShutdown()


def _visible(named: str | None, number: int, uuid: str) -> bool:
    """Whether programs see that GPU where CUDA_VISIBLE_DEVICES names these; None: all."""
    if named is None:
        return True
    names = [name.strip() for name in named.split(",") if name.strip()]
    return any(name == str(number) or (name.startswith("GPU-") and uuid.startswith(name)) for name in names)


def _apple(total: int, free: int) -> tuple[Gpu, ...]:
    if sys.platform != "darwin" or platform.machine() != "arm64":
        return ()
    share = int(total * _UNIFIED_SHARE)
    return (Gpu(name="Apple GPU", total=share, free=min(share, free), unified=True),)
