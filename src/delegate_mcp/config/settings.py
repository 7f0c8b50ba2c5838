"""Every setting, its default and its meaning, as pydantic models. Reading them from files stands in `loading`."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

ToolName = Literal[
    "delegate",
    "delegate_quick",
    "delegate_reasoning",
    "delegate_code",
    "delegate_longcontext",
    "delegate_private",
    "delegate_batch",
    "delegate_result",
    "ask",
]
"""Who may be asked; `ask` is the command."""


class Section(BaseModel):
    """A table of the settings file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitSetting(Section):
    """One limit of your own account at a service."""

    metric: Literal["requests", "tokens"]
    period: Literal["minute", "day", "month"]
    limit: int = Field(ge=0)
    scope: Literal["model", "account"] = "model"
    """account: all models of the provider share it. Default: model."""


class ProviderSettings(Section):
    """`[providers.<name>]`: what varies by person."""

    enabled: bool = True
    """False: never asked, whatever the rules say."""
    base_url: str | None = None
    """Another address of the same API (a proxy, a test server). Default: the service's own."""
    api_key: SecretStr | None = None
    """The key, where it does not stand in the environment. Default: none."""
    command: str | None = None
    """CLI backends: the executable, a name on PATH or a path. Default: the row's."""
    bill_api: bool = False
    """claude: let the CLI use ANTHROPIC_API_KEY and so bill per token. Default: off, the plan is used."""
    limits: tuple[LimitSetting, ...] | None = None
    """Your account's limits, for each model of it, in place of the catalog's. Default: the catalog's free tier."""
    tier: Literal["free", "paid"] | None = None
    """paid: your key of this service is billed per token. Default: the row's tier."""
    data_policy: Literal["no_training", "no_retention"] | None = None
    """What your own account has agreed with the service (training switched off, …). Default: what its tier does."""


class FileSettings(Section):
    """`[files]`: what the `files` and `save_to` parameters may touch."""

    roots: tuple[Path, ...] = ()
    """Further directories that may be read and written, beside the working directory. Default: none."""
    allow_secret_files: tuple[Path, ...] = ()
    """Credential files (`.env`, keys, …) that `files` may read all the same, each by its path. Default: none."""
    max_file_bytes: int = Field(default=2_000_000, gt=0)
    """A larger file is refused. Default: 2 MB."""
    max_total_bytes: int = Field(default=8_000_000, gt=0)
    """All files of a call together. Default: 8 MB."""
    max_document_bytes: int = Field(default=20_000_000, gt=0)
    """The same for a document that is read as text (PDF, Word, Excel, PowerPoint). Default: 20 MB."""
    max_image_bytes: int = Field(default=20_000_000, gt=0)
    """The same for an image; what is sent of a large one is scaled down. Default: 20 MB."""
    max_images: int = Field(default=10, gt=0)
    """So many images go with one call at most. Default: 10."""
    allow_private_urls: bool = False
    """Fetch pages from addresses that are not public too (this machine, your own network). Default: off."""


class PrivacySettings(Section):
    """`[privacy]`: what may leave this machine."""

    secrets: Literal["local", "redact", "refuse"] = "local"
    """Credentials in a call: local = a local model answers it, redact = sent with placeholders, refuse = an error. \
Default: local."""
    images: Literal["send", "local"] = "send"
    """Images cannot be searched for credentials: send = cloud models may see them, and the reply says that they were \
not searched, local = only local models see them. Default: send."""
    pii: Literal["off", "warn", "local"] = "off"
    """Personal data in a call: warn = the reply says so, local = a local model answers it. Default: off."""
    own_hosts: tuple[str, ...] = ()
    """Machines of your own, by name or address, whose local servers private calls may use too. Default: none."""
    data_policy: Literal["any", "no_training", "no_retention"] = "any"
    """Ask only services that do not train on prompts, or do not keep them either; unknown counts as the worst. \
Default: any."""


class CallSettings(Section):
    """`[calls]`: how long a call may take."""

    deadline_s: float = Field(default=300.0, gt=0)
    """One deadline for a call with all its attempts, in seconds. Default: 300."""
    connect_s: float = Field(default=5.0, gt=0)
    """Connecting to a service, in seconds. Default: 5."""
    first_token_s: float = Field(default=60.0, gt=0)
    """From sending to the first token, in seconds (CLI backends: the whole deadline). Default: 60."""
    idle_s: float = Field(default=30.0, gt=0)
    """Between two tokens, in seconds. Default: 30."""
    race: bool = True
    """Where a free model's first token is late, ask the next free one beside it and take the first. Default: on."""
    patience_s: float = Field(default=100.0, gt=0)
    """After so long the host gets the call id and the call goes on; see delegate_result. Default: 100 seconds."""
    thread_tokens: int = Field(default=12_000, ge=1_000)
    """Earlier turns beyond this are condensed by a free model; the newest stay. Default: 12,000 tokens."""


class RoutingSettings(Section):
    """`[routing]`: how the kind of work is found."""

    classify: Literal["never", "unsure", "always"] = "never"
    """Ask a fast free model for a prompt's task type: never, where its signs are unsure, or always. Default: never."""


class ResultSettings(Section):
    """`[results]`: what comes back to the director and what is kept."""

    max_tokens: int = Field(default=2_000, gt=0)
    """A longer answer is cut for the director and kept whole. Default: 2,000 tokens."""
    by_tool: dict[ToolName, Annotated[int, Field(gt=0)]] = Field(default_factory=dict["ToolName", int])
    """The same by tool, e.g. `delegate_quick = 500` under `[results.by_tool]`. Default: none differs."""
    keep_days: float = Field(default=7.0, ge=0)
    """How long whole answers are kept for delegate_result and threads. Default: 7 days."""
    keep_rows_days: float = Field(default=400.0, ge=2)
    """How long the ledger's records of calls (counts, no content) are kept for reports. Default: 400 days."""

    def tokens_for(self, tool: str) -> int:
        """What the director reads of an answer of that tool at most."""
        return next((tokens for name, tokens in self.by_tool.items() if name == tool), self.max_tokens)


class CheckSettings(Section):
    """`[checks]`: commands that a call's `check` may name. What they run may be code that a model wrote."""

    commands: tuple[str, ...] = ()
    """The commands, e.g. `["pytest -q", "ruff check"]`; a call may add paths, no options. Default: none."""
    directory: Path | None = None
    """Where they run, below the working directory. Default: the working directory."""
    timeout_s: float = Field(default=120.0, gt=0)
    """Each run, in seconds; the call's deadline holds too. Default: 120."""


class CacheSettings(Section):
    """`[cache]`: answers that stand for identical calls."""

    days: float = Field(default=7.0, ge=0)
    """How long an answer may stand for an identical call whose work has one answer (a summary, a label, facts in a \
json_schema); 0: never; results.keep_days bounds it. Default: 7 days."""
    private: bool = False
    """Private calls too; like all answers, theirs stay on this machine. Default: off."""
    max_mb: int = Field(default=100, gt=0)
    """Beyond it the oldest answers are removed. Default: 100 MB."""


class LocalSettings(Section):
    """`[local]`: the embedded engine."""

    demo_model: Literal["auto", "always", "never"] = "auto"
    """When SmolLM2 may answer: auto = only where nothing else is set up. Default: auto."""
    model: Path | None = None
    """A GGUF file for the embedded engine, beside those that `local pull` fetched. Default: none."""
    folders: tuple[Path, ...] = ()
    """Folders whose GGUF files the embedded engine may load too, e.g. LM Studio's. Default: none."""
    context_tokens: int = Field(default=8_192, gt=0)
    """Context length of the embedded engine. Default: 8,192 (the demonstration model: 2,048)."""
    gpu_layers: int = -1
    """Layers on the GPU; -1: all that fit. Default: -1."""
    engine: Literal["auto", "xllamacpp", "llama-server", "llama-cpp-python"] = "auto"
    """Which engine runs models; auto: the first of these that is installed. Default: auto."""
    slots: int = Field(default=2, gt=0)
    """Requests that a model answers at once; more wait their turn. Default: 2."""
    idle_minutes: float = Field(default=15.0, gt=0)
    """After so long without a request the model host ends and frees its memory. Default: 15 minutes."""


class RentedSettings(Section):
    """`[rented.<name>]`: a machine with a GPU that is rented by the hour; rules name it `rented:<name>`."""

    base_url: str = Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/])")
    """Where its OpenAI API answers once it runs: https, or this machine's end of a tunnel (http://127.0.0.1:…).

    Default: none, it must be given."""
    model: str
    """As the server there names it. Default: none, it must be given."""
    start: tuple[str, ...] = Field(min_length=1)
    """The command that rents and starts it; it ends when the machine is on its way. Default: none, it must be given."""
    stop: tuple[str, ...] = Field(min_length=1)
    """The command that ends it and its cost; it must do no harm where nothing runs. Default: none, it must be given."""
    health: tuple[str, ...] = ()
    """A command that ends with 0 where the model answers. Default: none, its list of models is asked."""
    api_key: SecretStr | None = None
    """What its server asks for. Default: none."""
    usd_per_hour: Decimal = Field(gt=0)
    """What it costs while it runs. Default: none, it must be given."""
    max_usd_day: Decimal | None = Field(default=None, gt=0)
    """What all paid work of a day may cost while it is rented. Default: budget.daily_usd alone, which must be set."""
    idle_minutes: float = Field(default=15.0, gt=0)
    """After so long without a request it is stopped. Default: 15 minutes."""
    start_minutes: float = Field(default=30.0, gt=0)
    """A start that takes longer has failed. Default: 30 minutes."""
    stop_minutes: float = Field(default=5.0, gt=0)
    """The same for the stop command. Default: 5 minutes."""
    context_tokens: int = Field(default=8_192, gt=0)
    """Its context length. Default: 8,192."""
    quality: int = Field(default=6, ge=0, le=10)
    """0-10, as in the catalog. Default: 6."""


class DiscoverySettings(Section):
    """`[discovery]`: what the services offer."""

    background: bool = True
    """While a server runs, ask each service that has a key for its list of models now and then, and one whose calls \
fail whether it is back. No prompt and no token is sent. Default: on."""


class LearningSettings(Section):
    """`[learning]`: what becomes of what use shows of the models (docs/learning.md)."""

    mode: Literal["on", "off", "shadow"] = "on"
    """on = models of one tier that stand beside one another are asked in the order that use has taught, shadow = a \
reply's `_meta` and the record only tell it, off = nothing is learned. Default: on."""
    seed: int | None = None
    """Draws the same for the same prompt. Default: none, each call draws anew."""


class ExperimentSettings(Section):
    """`[experiments.<name>]`: two chains for a task type; `delegate-mcp report --experiment <name>` compares them."""

    task_type: str
    """Which calls take part. Default: none, it must be given."""
    a: tuple[str | dict[str, Any], ...] = Field(min_length=1)
    """Roles, models and aliases in order, as the candidates of a rule. Default: none, it must be given."""
    b: tuple[str | dict[str, Any], ...] = Field(min_length=1)
    """The same for the other part of the calls. Default: none, it must be given."""
    share: float = Field(default=0.5, ge=0, le=1)
    """The part of the calls that gets b; a thread stays with what it got first. Default: 0.5."""


class BudgetSettings(Section):
    """`[budget]`: money, and the director's tokens."""

    daily_usd: Decimal | None = None
    """USD a day after which paid models are no longer asked. Default: none, which keeps them off."""
    director_tokens: int | None = Field(default=None, gt=0)
    """What the tools may make the director of one connection read and write, in tokens: an answer that would go \
beyond comes as a digest by a free model, the whole is kept for delegate_result. Default: none, no digests."""
    director_model: str = "claude-opus-5-5"
    """Whose price savings are counted at. Default: claude-opus-5-5."""


class ServerSettings(Section):
    """`[server]`: serving over HTTP."""

    token: SecretStr | None = None
    """Bearer token that HTTP clients must send (also DELEGATE_MCP_TOKEN). Needed beyond loopback. Default: none."""
    allowed_hosts: tuple[str, ...] = ()
    """Host headers that are accepted, e.g. `delegate.lan:*`. Needed beyond loopback. Default: loopback names."""


class Settings(Section):
    """All settings."""

    home: Path
    """Where the ledger, results and the settings file stand. Default: the user's data directory; DELEGATE_MCP_HOME."""
    ledger: SecretStr | None = None
    """A PostgreSQL database (postgresql://…) that a team shares, in place of the file in home. Default: the file."""
    rules: Path | None = None
    """A rules.toml whose rows replace ours by name. Default: `rules.toml` in home, where it is there."""
    providers: dict[str, ProviderSettings] = Field(default_factory=dict[str, ProviderSettings])
    files: FileSettings = FileSettings()
    privacy: PrivacySettings = PrivacySettings()
    calls: CallSettings = CallSettings()
    results: ResultSettings = ResultSettings()
    routing: RoutingSettings = RoutingSettings()
    checks: CheckSettings = CheckSettings()
    cache: CacheSettings = CacheSettings()
    local: LocalSettings = LocalSettings()
    rented: dict[str, RentedSettings] = Field(default_factory=dict[str, RentedSettings])
    discovery: DiscoverySettings = DiscoverySettings()
    learning: LearningSettings = LearningSettings()
    experiments: dict[str, ExperimentSettings] = Field(default_factory=dict[str, ExperimentSettings])
    budget: BudgetSettings = BudgetSettings()
    server: ServerSettings = ServerSettings()
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field()] = "WARNING"
    """How much is told on stderr. Default: WARNING."""

    def provider(self, name: str) -> ProviderSettings:
        """The settings of one provider, defaults where none are given."""
        return self.providers.get(name, ProviderSettings())
