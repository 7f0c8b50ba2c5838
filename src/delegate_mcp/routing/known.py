"""What the planner knows beside the call, with the look-ups that candidates need. Pure: the snapshot has the time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from delegate_mcp.catalog.catalog import DEMO_MODEL, Catalog, Model
from delegate_mcp.catalog.local_names import local_model
from delegate_mcp.domain.availability import Availability
from delegate_mcp.domain.limit import DayReset
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.plan import Tier
from delegate_mcp.ledger.quota import account_of, windows_for
from delegate_mcp.ledger.snapshot import Cooldown, LedgerSnapshot, OpenBreaker, ProviderOff, Tombstone
from delegate_mcp.ledger.window import Window
from delegate_mcp.providers import registry
from delegate_mcp.providers.data_use import DataPolicy, DataUse
from delegate_mcp.routing.equals import Experience

Demo = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Catalog, availability and ledger as they are at one moment."""

    catalog: Catalog
    availability: Availability
    snapshot: LedgerSnapshot
    demo: Demo = "auto"
    paid: bool = False
    """Whether models that are billed per token may be used."""
    tiers: Mapping[str, Tier] = field(default_factory=dict[str, Tier])
    """Provider -> tier, where the settings differ from the registry's row."""
    embedded_context_tokens: int | None = None
    """The context that the embedded engine is set to; None: what the catalog says of local models."""
    rented_up: tuple[str, ...] = ()
    """Rented machines that run now: they cost whether they are asked or not."""
    key_marks: Mapping[str, str] = field(default_factory=dict[str, str])
    """Provider -> mark of the key that is set now: a key that was refused and has changed since is tried again."""

    experience: Experience = field(default_factory=Experience)
    """What use has taught."""
    data_policy: DataPolicy = "any"
    """What a service may do with what it is sent."""
    agreed: Mapping[str, DataPolicy] = field(default_factory=dict[str, DataPolicy])
    """Provider -> what this person's account has agreed, where that is more than its tier does."""

    def model(self, model_id: ModelId) -> Model | None:
        """The catalog's row, or for a local server what the name tells; None: unknown, no chat model, or not local."""
        row = registry.BY_NAME.get(model_id.provider)
        if row is None:
            return None
        if not row.local:
            return self.catalog.models.get(model_id)
        model = local_model(self.catalog, model_id)
        if model is None or row.wire != "embedded" or model_id == DEMO_MODEL or self.embedded_context_tokens is None:
            return model
        return replace(model, context_tokens=self.embedded_context_tokens)

    def is_local(self, model_id: ModelId) -> bool:
        """Runs on this machine: a local provider, and no name that it only passes on to a cloud."""
        row = registry.BY_NAME.get(model_id.provider)
        return row is not None and row.local and not re.search(self.catalog.local.not_local, model_id.model.lower())

    def tier(self, model_id: ModelId, model: Model) -> Tier:
        """Who pays for it."""
        row = registry.BY_NAME[model_id.provider]
        if row.local:
            return "local"
        return self.tiers.get(row.name, row.tier) if model.free else "paid"

    def data_use(self, model_id: ModelId, model: Model) -> DataUse | None:
        """What its service does with what it is sent; None: it runs on this machine."""
        row = registry.BY_NAME[model_id.provider]
        return None if row.local else row.data_use(self.tier(model_id, model), self.agreed.get(row.name, "any"))

    def local_models(self) -> Iterator[Model]:
        """The chat models that the local servers list, without the demonstration."""
        for row in registry.PROVIDERS:
            state = self.availability.states.get(row.name)
            if not row.local or state is None or not state.usable:
                continue
            for name in state.models or ():
                model_id = ModelId(row.name, name)
                model = self.model(model_id) if model_id != DEMO_MODEL else None
                if model is not None and self.is_local(model_id):
                    yield model

    def demo_there(self) -> bool:
        """Whether the demonstration model could be asked."""
        state = self.availability.states.get(DEMO_MODEL.provider)
        return state is not None and state.usable and (state.models is None or DEMO_MODEL.model in state.models)

    def demo_answers(self) -> bool:
        """Whether the demonstration model may answer without being named."""
        if self.demo == "auto":
            return self.demo_there() and not self._anything_set_up()
        return self.demo == "always" and self.demo_there()

    def _anything_set_up(self) -> bool:
        clouds = any(
            state.usable and name in registry.BY_NAME and not registry.BY_NAME[name].local
            for name, state in self.availability.states.items()
        )
        return clouds or next(self.local_models(), None) is not None

    def cooldown(self, model_id: ModelId) -> Cooldown | None:
        """The cooldown that still runs for that model, or for its account."""
        either = (model_id, account_of(model_id))
        rows = (row for row in self.snapshot.cooldowns if row.model_id in either and row.until > self.snapshot.taken_at)
        return max(rows, key=lambda row: row.until, default=None)

    def breaker(self, provider: str) -> OpenBreaker | None:
        """The open breaker of that provider; one whose time is over lets a probe through."""
        rows = (
            row for row in self.snapshot.breakers if row.provider == provider and row.until > self.snapshot.taken_at
        )
        return next(rows, None)

    def off(self, provider: str) -> ProviderOff | None:
        """Whether the key that is set now was refused."""
        mark = self.key_marks.get(provider, "")
        return next((row for row in self.snapshot.off if (row.provider, row.key_mark) == (provider, mark)), None)

    def gone(self, model_id: ModelId) -> Tombstone | None:
        """Whether its service said that the model is gone."""
        return next((row for row in self.snapshot.gone if row.model_id == model_id), None)

    def windows(self, model: Model) -> tuple[Window, ...]:
        """What is left of the model's limits, those that it shares with its account included."""
        return windows_for(model.model_id, model.limits, self.snapshot, self.day_reset(model.model_id))

    def day_reset(self, model_id: ModelId) -> DayReset:
        """At which midnight its daily limits are full again."""
        return registry.BY_NAME[model_id.provider].day_reset
