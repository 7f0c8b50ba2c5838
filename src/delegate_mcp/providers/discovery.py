"""Which providers can be asked right now: by keys, programs on PATH, ports of this machine and model files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from delegate_mcp.config.keys import Key
from delegate_mcp.config.settings import ProviderSettings, Settings
from delegate_mcp.domain.availability import Availability, ProviderState
from delegate_mcp.domain.plan import Tier
from delegate_mcp.local.demo_model import NAME as DEMO_NAME
from delegate_mcp.local.engines import ENGINES, Engine, installation, installed_engine
from delegate_mcp.local.models import local_models
from delegate_mcp.platforms import find_program
from delegate_mcp.providers.registry import PROVIDERS, ProviderRow

if TYPE_CHECKING:
    import httpx

KEEP_S = 30.0
"""How long a look is believed."""


class Discovery:
    """Looks at every provider of the registry; looks that overlap share one scan."""

    def __init__(
        self,
        settings: Settings,
        keys: Mapping[str, Key],
        environ: Mapping[str, str],
        cache_dir: Path,
        clock: Callable[[], float],
        *,
        rows: Sequence[ProviderRow] = PROVIDERS,
        engines: Sequence[Engine] = ENGINES,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        """`clock` gives steady seconds; `transport` stands in for the network in tests."""
        self._settings = settings
        self._keys = keys
        self._environ = environ
        self._cache_dir = cache_dir
        self._clock = clock
        self._rows = rows
        self._engines = engines
        self._transport = transport
        self._lock = anyio.Lock()
        self._scans = 0
        self._found = Availability()
        self._found_at = 0.0

    async def look(self, *, fresh: bool = False) -> Availability:
        """What is usable and why the rest is not; `fresh` looks again even where the last look is recent."""
        before = self._scans
        async with self._lock:
            shared = self._scans > before  # a scan ended while we waited for it
            recent = self._scans > 0 and self._clock() - self._found_at < KEEP_S
            if not (shared or (recent and not fresh)):
                self._found = await self._scan()
                self._found_at = self._clock()
                self._scans += 1
            return self._found

    async def _scan(self) -> Availability:
        states = {row.name: self._without_asking(row) for row in self._rows}

        async def ask(row: ProviderRow) -> None:
            from delegate_mcp.providers.local_servers import ask_server

            base_url = self._of(row).base_url or row.base_url
            states[row.name] = await ask_server(row, base_url, self._key(row), self._transport)

        async with anyio.create_task_group() as tasks:
            for row in self._rows:
                if states[row.name] is None:
                    tasks.start_soon(ask, row)
        return Availability({name: state for name, state in states.items() if state is not None})

    def _without_asking(self, row: ProviderRow) -> ProviderState | None:
        """The state of a provider; None: a server on this machine, whose port must be asked."""
        if not self._of(row).enabled:
            return _no(row, "turned off in the settings", f"set providers.{row.name}.enabled to true")
        if row.wire == "embedded":
            return self._embedded(row)
        if row.wire == "rented":
            return self._rented(row)
        if row.local:
            return None
        return (self._program_missing(row) if row.wire == "cli" else None) or self._by_account(row)

    def _by_account(self, row: ProviderRow) -> ProviderState:
        """Providers that need a key, a plan or money."""
        paid = self._tier(row) == "paid"
        key = self._keys.get(row.name)
        capped = bool(self._settings.budget.daily_usd)
        cap = "set budget.daily_usd to the most it may cost you a day"
        if row.key_names and key is None:
            get = f"get a {'key' if paid else 'free key'} at {row.key_url} and set {row.key_names[0]}"
            return _no(row, "no key", f"{get}; then {cap}" if paid and not capped else get)
        if paid and not capped:
            return _no(row, "paid, and no daily cap is set", cap)
        why = f"key set: {key.where}" if key is not None else "installed"
        return ProviderState(name=row.name, usable=True, why=why)

    def _program_missing(self, row: ProviderRow) -> ProviderState | None:
        named = self._of(row).command
        if find_program(named or row.command, self._environ) is not None:
            return None
        if named:
            return _no(row, f"no program {named}", f"correct providers.{row.name}.command")
        return _no(row, "not installed", f"install it ({row.key_url}) so that `{row.command}` is on PATH")

    def _embedded(self, row: ProviderRow) -> ProviderState:
        local = self._settings.local
        engine = installed_engine(self._engines, self._environ, local.engine)
        if engine is None:
            return _no(row, "no engine is installed", installation(self._engines, local.engine))
        models = tuple(model.name for model in local_models(local, self._cache_dir))
        own = local.model.expanduser() if local.model else None
        lacking = f"no file {own}" if own is not None and not own.is_file() else ""
        if models:
            why = f"{engine.name} with {', '.join(models)}" + (f"; {lacking}" if lacking else "")
            mend = "set local.model to a GGUF file that is there" if lacking else ""
            return ProviderState(name=row.name, usable=True, why=why, mend=mend, models=models)
        if lacking or local.demo_model == "never":
            return _no(row, lacking or "no model", "set local.model to a GGUF file that is there")
        return _no(row, f"{DEMO_NAME} is not fetched, and local.model is not set", "delegate-mcp demo --fetch-only")

    def _rented(self, row: ProviderRow) -> ProviderState:
        names = tuple(self._settings.rented)
        if not names:
            return _no(row, "none is set up", "set [rented.<name>]; docs/local.md shows a machine of SkyPilot")
        if not self._settings.budget.daily_usd:
            return _no(row, "paid, and no daily cap is set", "set budget.daily_usd to the most it may cost you a day")
        return ProviderState(name=row.name, usable=True, why=f"set up: {', '.join(names)}", models=names)

    def _of(self, row: ProviderRow) -> ProviderSettings:
        return self._settings.provider(row.name)

    def _key(self, row: ProviderRow) -> str | None:
        key = self._keys.get(row.name)
        return key.value.get_secret_value() if key is not None else None

    def _tier(self, row: ProviderRow) -> Tier:
        own = self._of(row)
        return "paid" if own.bill_api else own.tier or row.tier


def _no(row: ProviderRow, why: str, mend: str) -> ProviderState:
    return ProviderState(name=row.name, usable=False, why=why, mend=mend)
