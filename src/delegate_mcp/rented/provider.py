"""The provider `rented`: each model is a machine of its own, asked in the OpenAI protocol when it is up."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.config.settings import RentedSettings
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.ledger.base import Ledger
from delegate_mcp.platforms import end_process, start_process
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import ProviderRow
from delegate_mcp.rented.lease import Lease
from delegate_mcp.rented.machine import Healthy, Machine

_HEALTH_S = 10.0
_TOLD_BYTES = 1_000_000


class RentedProvider:
    """One for each server process; `aclose` stops what nobody else uses."""

    def __init__(
        self,
        row: ProviderRow,
        settings: Mapping[str, RentedSettings],
        *,
        folder: Path,
        environ: Mapping[str, str],
        ledger: Ledger,
        clock: Clock,
        tasks: TaskGroup,
        daily_usd: Decimal | None,
    ) -> None:
        self._row = row
        self._settings = settings
        self._environ = environ
        self._asked = {name: self._client(own) for name, own in settings.items()}
        self._machines = {
            name: Machine(
                name,
                own,
                lease=Lease(folder, name),
                ledger=ledger,
                clock=clock,
                tasks=tasks,
                run=self._run,
                healthy=self._health(name, own),
                daily_usd=daily_usd,
                pid=os.getpid(),
            )
            for name, own in settings.items()
        }
        for machine in self._machines.values():
            machine.adopt()  # what a process left running that was killed

    @property
    def name(self) -> str:
        """The registry row's name."""
        return self._row.name

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Answer once, where the machine is up; else have it started and say so."""
        await self._machines[ask.model].wanted()
        served = replace(ask, model=self._settings[ask.model].model)
        completion = await self._asked[ask.model].complete(served, report)
        return replace(completion, cost_usd=ZERO)  # its time is paid, not its tokens

    async def list_models(self) -> tuple[ListedModel, ...]:
        """Those of the settings; nothing is started for it."""
        return tuple(ListedModel(model=name, context_tokens=own.context_tokens) for name, own in self._settings.items())

    async def aclose(self) -> None:
        """Let go of every machine, all at once."""
        async with anyio.create_task_group() as tasks:
            for machine in self._machines.values():
                tasks.start_soon(machine.aclose)
        for client in self._asked.values():
            await client.aclose()

    def _client(self, own: RentedSettings) -> OpenAICompatibleProvider:
        key = own.api_key.get_secret_value() if own.api_key is not None else None
        return OpenAICompatibleProvider(self._row, base_url=own.base_url, api_key=key)

    def _health(self, name: str, own: RentedSettings) -> Healthy:
        async def healthy() -> bool:
            if own.health:
                return await self._run(own.health, _HEALTH_S, Path(os.devnull)) is None
            try:
                with anyio.move_on_after(_HEALTH_S):
                    await self._asked[name].list_models()
                    return True
            except ProviderError:
                pass
            return False

        return healthy

    async def _run(self, argv: Sequence[str], limit_s: float, log: Path) -> str | None:
        """Run a command of the person's settings, without a shell."""
        with _opened(log) as said:
            try:
                process = await start_process(
                    argv, env=self._environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said
                )
            except OSError as error:
                return f"{argv[0]} cannot be started: {error.strerror or error}"
            code: int | None = None
            try:
                with anyio.move_on_after(limit_s):
                    code = await process.wait()
            finally:
                if code is None:
                    await end_process(process)
            # What a command that ended well leaves behind on purpose, a tunnel, stays.
            if code is None:
                return f"{argv[0]} took longer than {limit_s:.0f} s"
            return None if code == 0 else f"{argv[0]} ended with exit code {code}"


def _opened(log: Path) -> IO[bytes]:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if log.stat().st_size > _TOLD_BYTES:
        os.ftruncate(handle, 0)
    return os.fdopen(handle, "ab")
