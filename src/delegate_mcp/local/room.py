"""Whether a model has room on this machine now, and whether it would have if others went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from delegate_mcp.domain.errors import ModelFileError
from delegate_mcp.local.engine_child import on_gpu
from delegate_mcp.local.engines import Engine, Order
from delegate_mcp.local.footprint import Fit, fit
from delegate_mcp.local.hardware import Hardware, look


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What loaded models hold, in bytes."""

    ram: int = 0
    vram: int = 0

    @classmethod
    def of(cls, fits: Sequence[Fit | None]) -> "Held":
        """What those hold together."""
        known = [one for one in fits if one is not None]
        return cls(ram=sum(one.bytes_ram for one in known), vram=sum(one.bytes_vram for one in known))


class Room(Protocol):
    """Counts before it is taken."""

    async def plan(self, engine: Engine, order: Order, *, staying: Held, going: Held) -> Fit | None:
        """How the model would be loaded; None where its file does not tell, and the engine must find out."""
        ...


class MachineRoom:
    """The room of this machine, measured at each plan."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._on_gpu: dict[str, bool] = {}

    async def plan(self, engine: Engine, order: Order, *, staying: Held, going: Held) -> Fit | None:
        """See Room."""
        hardware = await anyio.to_thread.run_sync(look, self._environ)
        if hardware.gpus and not await self._uses_gpu(engine):
            hardware = hardware.without_gpus()
        return await anyio.to_thread.run_sync(_fit, order, _after(hardware, staying, going))

    async def _uses_gpu(self, engine: Engine) -> bool:
        if engine.name not in self._on_gpu:
            self._on_gpu[engine.name] = await on_gpu(engine, self._environ)
        return self._on_gpu[engine.name]


def _fit(order: Order, hardware: Hardware) -> Fit | None:
    try:
        return fit(Path(order.model), order.context_tokens, order.slots, hardware, gpu_layers=order.gpu_layers)
    except ModelFileError:
        return None


def _after(hardware: Hardware, staying: Held, going: Held) -> Hardware:
    """The machine as it will be when `going` has gone.

    Weights that are mapped from their file count as free to the system, though pushing them out makes a model crawl:
    what stays is taken off the whole.
    """
    ram = min(hardware.ram_free + going.ram, hardware.ram_total - staying.ram)
    each = going.vram // max(1, len(hardware.gpus))
    gpus = tuple(replace(gpu, free=min(gpu.total, gpu.free + each)) for gpu in hardware.gpus)
    return replace(hardware, ram_free=max(0, ram), gpus=gpus)
