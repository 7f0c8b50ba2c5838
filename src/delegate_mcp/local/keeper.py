"""Which models a server can have, and how it has them: from the one host that all servers of this machine share."""

import logging
import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.local.engines import ENGINES, Engine, installation, installed_engine
from delegate_mcp.local.host_client import HostClient, Use
from delegate_mcp.local.models import LocalModel, local_models
from delegate_mcp.platforms import runtime_dir

logger = logging.getLogger(__name__)

# The engine reads a file and answers a loopback port: it gets nobody's keys.
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What a host and its engines are started with."""
    return {name: value for name, value in environ.items() if not _SECRET_NAME.search(name)}


class Keeper:
    """One for each server process; `aclose` lets go of the host."""

    def __init__(
        self,
        settings: LocalSettings,
        cache: Path,
        environ: Mapping[str, str],
        *,
        engines: Sequence[Engine] = ENGINES,
        keeps: bool = False,
    ) -> None:
        """`keeps`: the host stays while this is open, idle or not."""
        self._settings = settings
        self._cache = cache
        self._environ = environ
        self._engines = engines
        self.host = HostClient(
            runtime_dir(environ),
            without_secrets(environ),
            self._offers,
            pid=os.getpid(),
            idle_s=settings.idle_minutes * 60,
            keeps=keeps,
        )

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

    @asynccontextmanager
    async def using(self, name: str) -> AsyncGenerator[Use]:
        """That model, loaded by the host, for one request. ProviderError."""
        async with self.host.using(self._order(self._engine(), self.model(name))) as use:
            if use.note:
                logger.warning("The local engine with %s %s; it was started again.", name, use.note)
            yield use

    async def aclose(self) -> None:
        """Let go of the host; whoever waits for it gets an error."""
        await self.host.aclose()

    def _engine(self) -> Engine:
        engine = installed_engine(self._engines, self._environ, self._settings.engine)
        if engine is None:
            install = installation(self._engines, self._settings.engine)
            raise ProviderError.network(f"no engine for local models is installed. Install one: {install}")
        return engine

    def _order(self, engine: Engine, model: LocalModel) -> dict[str, object]:
        return {
            "engine": engine.name,
            "model": str(model.file),
            "name": model.name,
            "context_tokens": model.context_tokens,
            "slots": self._settings.slots,
            "gpu_layers": model.gpu_layers,
            "threads": model.threads,
        }

    def _offers(self) -> list[dict[str, object]]:
        engine = self._engine()
        return [self._order(engine, model) for model in self.models()]
