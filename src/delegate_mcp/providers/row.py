"""What a provider is here: one row of the registry."""

from dataclasses import dataclass, field
from typing import Literal

from delegate_mcp.domain.limit import DayReset
from delegate_mcp.domain.plan import Tier
from delegate_mcp.providers.data_use import UNKNOWN, DataPolicy, DataUse

Wire = Literal["groq", "gemini", "openai", "cli", "rented", "embedded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """One provider; `settings.providers.<name>` overrides what varies by person."""

    name: str
    title: str
    wire: Wire
    tier: Tier
    base_url: str = ""
    """Where its API answers; for local servers the usual port."""
    key_names: tuple[str, ...] = ()
    """Environment variables that hold its key, the first that is set wins; empty: needs none."""
    key_url: str = ""
    """Where a person gets a key."""
    brings: str = ""
    """What it would bring, for `doctor`."""
    command: str = ""
    """CLI backends: the executable."""
    schema_mode: Literal["json_schema", "json_object_of", "json_object", "prompt"] = "prompt"
    """How it is asked for JSON: its own structured output, the same in the words that every engine on llama.cpp knows,
    JSON mode, or words only."""
    max_tokens_field: str = "max_tokens"
    reasoning_effort: bool = False
    """Takes `reasoning_effort` in the request."""
    extra_headers: tuple[tuple[str, str], ...] = field(default=())
    extra_body: tuple[tuple[str, object], ...] = field(default=())
    day_reset: DayReset = "utc"
    """When its daily limits start again."""
    counts_failures: bool = False
    """Every failed request counts against its limits."""
    free_cache: bool = False
    """Prompt tokens that it reads from its cache do not count against its limits."""
    data: DataUse = UNKNOWN
    """What the service does with prompts on this row's tier."""
    data_paid: DataUse | None = None
    """The same for a key that is billed per token; None: as `data`."""
    own_hosts: tuple[str, ...] = ()
    """Local servers: further hosts that its person named as their own (`privacy.own_hosts`)."""
    quota_path: str = ""
    """Where it tells what is left of the account, below `base_url`; its form stands in `providers/quota_facts.py`."""

    @property
    def local(self) -> bool:
        """Runs on this machine; the only kind that a private call may use."""
        return self.tier == "local"

    def data_use(self, tier: Tier, agreed: DataPolicy = "any") -> DataUse:
        """What it does on that tier, or less where the person's account has agreed so."""
        use = self.data_paid if tier == "paid" and self.data_paid is not None else self.data
        if agreed == "any":
            return use
        keeps = "no" if agreed == "no_retention" else use.keeps
        return DataUse(trains="no", keeps=keeps, words="as your settings say of your account")
