"""Keeps the processes that host local models: started at first use, shared by all calls, ended with the server."""

import json
import logging
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import Process

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.local.engines import ENGINES, LOOPBACK, Order, installed_engine
from delegate_mcp.local.engines import Engine as Engine  # noqa: PLC0414 - part of the constructor's signature
from delegate_mcp.local.models import LocalModel, local_models
from delegate_mcp.platforms import end_process, start_process

logger = logging.getLogger(__name__)

SLOTS = 2
"""Requests a host answers at once; more wait their turn inside it."""
# A large model on a slow disk takes minutes to load.
START_TIMEOUT_S = 300.0
# A connection breaks a moment before its process is seen to have ended.
_ENDING_S = 0.3
_TOLD_CHARS = 300
# The engine reads a file and answers a loopback port: it gets nobody's keys.
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Where one host answers."""

    base_url: str
    secret: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class _Host:
    """One running (or starting) host process."""

    process: Process
    log: IO[bytes]
    secret: str
    load_until: float
    """On anyio's clock."""
    out: bytearray = field(default_factory=bytearray)
    address: HostAddress | None = None

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode
        if code is not None and code < 0:
            try:
                return f"ended by {signal.Signals(-code).name}"
            except ValueError:
                return f"ended by signal {-code}"
        return f"ended with exit code {code}"

    def complaint(self) -> str:
        """What it said on stderr: the first error, which the others follow from, else the last line."""
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read(20_000).decode(errors="replace").splitlines() if line.strip()]
        errors = [line.partition(" E ")[2] for line in lines if " E " in line]
        return (errors[0] if errors else lines[-1] if lines else "it said nothing")[:_TOLD_CHARS]


class Keeper:
    """Starts hosts and knows where they answer. One for each server process; `aclose` ends what it started."""

    def __init__(
        self,
        settings: LocalSettings,
        cache: Path,
        environ: Mapping[str, str],
        *,
        engines: Sequence[Engine] = ENGINES,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._environ = {name: value for name, value in environ.items() if not _SECRET_NAME.search(name)}
        self._engines = engines
        self._start_timeout_s = start_timeout_s
        self._hosts: dict[str, _Host] = {}
        self._locks: dict[str, anyio.Lock] = {}
        self._closed = False

    def models(self) -> tuple[LocalModel, ...]:
        """What can be hosted right now."""
        return local_models(self._settings, self._cache)

    def model(self, name: str) -> LocalModel:
        """One of them by name. ProviderError where its file is not there."""
        for model in self.models():
            if model.name == name:
                return model
        raise ProviderError.network(
            f"no model file for local:{name}. Fetch the demonstration model with `delegate-mcp demo --fetch-only`, "
            "or set local.model to a GGUF file"
        )

    async def address(self, name: str) -> HostAddress:
        """Where that model answers; started if it is not. A caller that is cancelled leaves the start to the next."""
        model = self.model(name)
        async with self._locks.setdefault(name, anyio.Lock()):
            host = self._hosts.get(name)
            if host is not None and host.process.returncode is not None:
                logger.warning("The local engine with %s %s; it is started again.", name, host.ending())
                await self._end(name)
                host = None
            if host is None:
                host = await self._start(model)
            if host.address is None:
                await self._await_port(model, host)
            if host.address is None:
                raise await self._failure(model, host)
            return host.address

    async def ending(self, name: str, address: HostAddress) -> str | None:
        """How the host that answered there ended, or None while it lives."""
        host = self._hosts.get(name)
        if host is None or host.address != address:
            return "ended"
        with anyio.move_on_after(_ENDING_S):
            await host.process.wait()
        return None if host.process.returncode is None else host.ending()

    async def aclose(self) -> None:
        """End every host; whoever waits for one gets an error."""
        self._closed = True
        async with anyio.create_task_group() as tasks:
            for name in tuple(self._hosts):
                tasks.start_soon(self._end, name)

    async def _start(self, model: LocalModel) -> _Host:
        engine = installed_engine(self._engines)
        if engine is None:
            raise ProviderError.network(
                "no engine for local models is installed. Install one: pip install 'delegate-mcp[local]'"
            )
        order = Order(
            model=str(model.file),
            name=model.name,
            secret=secrets.token_urlsafe(32),
            context_tokens=model.context_tokens,
            slots=SLOTS,
            gpu_layers=model.gpu_layers,
            threads=model.threads,
        )
        with anyio.CancelScope(shield=True):  # a process that is started is a process that is kept
            self._hosts[model.name] = host = await self._launch(engine, order)
            if host.process.stdin is not None:
                try:
                    await host.process.stdin.send(json.dumps(asdict(order)).encode() + b"\n")
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    logger.debug("The host ended before it read its order.")  # waiting for its port tells why
        if self._closed:
            await self._end(model.name)
            raise ProviderError.network("the server is shutting down")
        return self._hosts[model.name]

    async def _launch(self, engine: Engine, order: Order) -> _Host:
        # A file and not a pipe: nobody must read it for the host to go on. Errors only, so it stays short.
        log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the host
        # -P: a directory that the server was started in must not lend its modules to Python.
        argv = [sys.executable, "-P", *engine.program, engine.name]
        try:
            process = await start_process(argv, env=self._environ, stdout=subprocess.PIPE, stderr=log)
        except OSError as error:
            log.close()
            raise ProviderError.network(f"the local engine cannot be started: {error}") from error
        until = anyio.current_time() + self._start_timeout_s
        return _Host(process=process, log=log, secret=order.secret, load_until=until)

    async def _await_port(self, model: LocalModel, host: _Host) -> None:
        """Read the host's one line; returns without an address where the host ended instead."""
        stdout = host.process.stdout
        with anyio.CancelScope(deadline=host.load_until) as scope:
            while stdout is not None and b"\n" not in host.out:
                try:
                    host.out += await stdout.receive()
                except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
                    return
            port = int(json.loads(host.out)["port"])
            host.address = HostAddress(f"http://{LOOPBACK}:{port}/v1", host.secret)
        if scope.cancelled_caught:
            await self._end(model.name)
            raise ProviderError.timeout(
                f"the local engine did not load {model.file.name} in {self._start_timeout_s:.0f} s. "
                "Use a smaller model, or one of Ollama or LM Studio"
            )

    async def _failure(self, model: LocalModel, host: _Host) -> ProviderError:
        with anyio.move_on_after(_ENDING_S):
            await host.process.wait()
        # Before any request was sent, so nothing of a prompt can stand in what it says.
        message = f"the local engine could not load {model.file.name}: {host.complaint()} ({host.ending()})"
        await self._end(model.name)
        return ProviderError(ErrorKind.NETWORK, message)

    async def _end(self, name: str) -> None:
        host = self._hosts.pop(name, None)
        if host is not None:
            await end_process(host.process)
            host.log.close()
