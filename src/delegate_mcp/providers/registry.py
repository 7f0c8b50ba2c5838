"""Every provider, one row each.

What a service does with prompts (`data`) is taken from its own terms, with the page and the month; what they do not say
plainly stays unknown, which counts as the worst.

To add a service with an OpenAI-compatible API: add a row with `wire="openai"`, its base URL and the names of its key.
To add a CLI: add a row here with `wire="cli"` and its command line in `providers/cli_rows.py`. A new wire protocol is a
new module and a new line in `provider_set.WIRES`. Then give its models to `catalog/catalog.toml`.
"""

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


PROVIDERS: tuple[ProviderRow, ...] = (
    ProviderRow(
        name="groq",
        title="Groq",
        wire="groq",
        tier="free",
        base_url="https://api.groq.com",
        key_names=("GROQ_API_KEY",),
        key_url="https://console.groq.com/keys",
        brings="the fastest free answers: gpt-oss 20b and 120b, 1,000 requests a day each",
        schema_mode="json_schema",
        max_tokens_field="max_completion_tokens",
        reasoning_effort=True,
        free_cache=True,  # console.groq.com/docs/prompt-caching
        data=DataUse(
            trains="no",
            keeps="yes",
            words="kept up to 30 days where faults or abuse are looked into, in the USA",
            source="https://console.groq.com/docs/your-data",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="gemini",
        title="Google Gemini",
        wire="gemini",
        tier="free",
        base_url="https://generativelanguage.googleapis.com",
        key_names=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        key_url="https://aistudio.google.com/apikey",
        brings="a context of one million tokens and Google Search grounding, free",
        schema_mode="json_schema",
        day_reset="pacific",
        data=DataUse(
            trains="yes",
            keeps="yes",
            words="read by people too, kept without a stated end, at Google",
            source="https://ai.google.dev/gemini-api/terms",
            seen="2025-10",
        ),
        data_paid=DataUse(
            trains="no",
            keeps="yes",
            words="kept 55 days against abuse, at Google",
            source="https://ai.google.dev/gemini-api/terms",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="openrouter",
        title="OpenRouter",
        wire="openai",
        tier="free",
        base_url="https://openrouter.ai/api/v1",
        key_names=("OPENROUTER_API_KEY",),
        key_url="https://openrouter.ai/settings/keys",
        brings="many `:free` models, 50 requests a day",
        schema_mode="json_schema",
        extra_headers=(("X-Title", "delegate-mcp"),),
        extra_body=(("usage", {"include": True}),),
        counts_failures=True,
        quota_path="key",
        data=DataUse(
            trains="yes",
            words="each host by its own terms; hosts of `:free` models may train and keep",
            source="https://openrouter.ai/docs/features/privacy-and-logging",
            seen="2025-10",
        ),
        data_paid=DataUse(
            words="each host by its own terms",
            source="https://openrouter.ai/docs/features/privacy-and-logging",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="mistral",
        title="Mistral",
        wire="openai",
        tier="free",
        base_url="https://api.mistral.ai/v1",
        key_names=("MISTRAL_API_KEY",),
        key_url="https://console.mistral.ai/api-keys",
        brings="Mistral's models within its free monthly credit",
        schema_mode="json_schema",
        data=DataUse(
            trains="yes",
            keeps="yes",
            words="unless switched off in the account; kept 30 days or longer, in the EU",
            source="https://mistral.ai/terms",
            seen="2025-10",
        ),
        data_paid=DataUse(
            trains="no",
            keeps="yes",
            words="kept 30 days against abuse, in the EU",
            source="https://mistral.ai/terms",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="huggingface",
        title="Hugging Face router",
        wire="openai",
        tier="free",
        base_url="https://router.huggingface.co/v1",
        key_names=("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        key_url="https://huggingface.co/settings/tokens",
        brings="open models of many hosts, 0.10 USD of free use a month",
        schema_mode="json_schema",
        data=DataUse(
            words="the router keeps none, each host goes by its own terms",
            source="https://huggingface.co/docs/inference-providers/security",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="cerebras",
        title="Cerebras",
        wire="openai",
        tier="free",
        base_url="https://api.cerebras.ai/v1",
        key_names=("CEREBRAS_API_KEY",),
        key_url="https://cloud.cerebras.ai",
        brings="gpt-oss-120b at the highest speed, a million tokens a day while its credit lasts",
        schema_mode="json_schema",
        max_tokens_field="max_completion_tokens",
        reasoning_effort=True,
    ),
    ProviderRow(
        name="nvidia",
        title="NVIDIA NIM",
        wire="openai",
        tier="free",
        base_url="https://integrate.api.nvidia.com/v1",
        key_names=("NVIDIA_API_KEY",),
        key_url="https://build.nvidia.com/settings/api-keys",
        brings="open models at 40 requests a minute",
    ),
    ProviderRow(
        name="together",
        title="Together",
        wire="openai",
        tier="paid",
        base_url="https://api.together.xyz/v1",
        key_names=("TOGETHER_API_KEY",),
        key_url="https://api.together.ai/settings/api-keys",
        brings="open models, paid per token",
        schema_mode="json_schema",
    ),
    ProviderRow(
        name="openai",
        title="OpenAI",
        wire="openai",
        tier="paid",
        base_url="https://api.openai.com/v1",
        key_names=("OPENAI_API_KEY",),
        key_url="https://platform.openai.com/api-keys",
        brings="OpenAI's models, paid per token",
        schema_mode="json_schema",
        max_tokens_field="max_completion_tokens",
        reasoning_effort=True,
        data=DataUse(
            trains="no",
            keeps="yes",
            words="kept 30 days against abuse, in the USA",
            source="https://platform.openai.com/docs/guides/your-data",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="deepseek",
        title="DeepSeek",
        wire="openai",
        tier="paid",
        base_url="https://api.deepseek.com/v1",
        key_names=("DEEPSEEK_API_KEY",),
        key_url="https://platform.deepseek.com/api_keys",
        brings="DeepSeek's models, paid per token",
        schema_mode="json_object",
        data=DataUse(
            trains="yes",
            keeps="yes",
            words="kept without a stated end, in China",
            source="https://cdn.deepseek.com/policies/en-US/deepseek-privacy-policy.html",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="claude",
        title="Claude Code CLI",
        wire="cli",
        tier="subscription",
        command="claude",
        key_url="https://code.claude.com/docs/en/setup",
        brings="complex coding on the Claude plan you already pay for",
        schema_mode="json_schema",
        data=DataUse(
            trains="yes",
            keeps="yes",
            words="unless switched off in the account; kept 30 days, with training 5 years, in the USA",
            source="https://code.claude.com/docs/en/data-usage",
            seen="2025-10",
        ),
        data_paid=DataUse(
            trains="no",
            keeps="yes",
            words="kept 30 days, in the USA",
            source="https://code.claude.com/docs/en/data-usage",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="codex",
        title="Codex CLI",
        wire="cli",
        tier="subscription",
        command="codex",
        key_url="https://developers.openai.com/codex/cli",
        brings="coding on the ChatGPT plan you already pay for",
        data=DataUse(
            trains="yes",
            keeps="yes",
            words="unless switched off in the account, in the USA",
            source="https://help.openai.com/en/articles/5722486",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="gemini-cli",
        title="Gemini CLI",
        wire="cli",
        tier="free",
        command="gemini",
        key_names=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        key_url="https://aistudio.google.com/apikey",
        brings="Gemini with its own tools, on your Gemini key",
        day_reset="pacific",
        data=DataUse(
            trains="yes",
            keeps="yes",
            words="read by people too, kept without a stated end, at Google",
            source="https://ai.google.dev/gemini-api/terms",
            seen="2025-10",
        ),
        data_paid=DataUse(
            trains="no",
            keeps="yes",
            words="kept 55 days against abuse, at Google",
            source="https://ai.google.dev/gemini-api/terms",
            seen="2025-10",
        ),
    ),
    ProviderRow(
        name="opencode",
        title="opencode CLI",
        wire="cli",
        tier="subscription",
        command="opencode",
        key_url="https://opencode.ai/docs",
        brings="coding with the accounts set up in opencode",
    ),
    ProviderRow(
        name="rented",
        title="Rented GPUs",
        wire="rented",
        tier="paid",
        key_url="https://docs.skypilot.co",
        brings="a large open model on a GPU of Vast.ai or RunPod, paid by the hour while it is needed",
        schema_mode="json_schema",
    ),
    ProviderRow(
        name="ollama",
        title="Ollama",
        wire="openai",
        tier="local",
        base_url="http://127.0.0.1:11434/v1",
        key_url="https://ollama.com/download",
        brings="your Ollama models, private and without limits",
        schema_mode="json_schema",
    ),
    ProviderRow(
        name="lmstudio",
        title="LM Studio",
        wire="openai",
        tier="local",
        base_url="http://127.0.0.1:1234/v1",
        key_url="https://lmstudio.ai",
        brings="your LM Studio models, private and without limits",
        schema_mode="json_schema",
    ),
    ProviderRow(
        name="llama-server",
        title="llama-server",
        wire="openai",
        tier="local",
        base_url="http://127.0.0.1:8080/v1",
        key_url="https://github.com/ggml-org/llama.cpp",
        brings="the model that your llama-server has loaded",
        schema_mode="json_schema",
    ),
    ProviderRow(
        name="vllm",
        title="vLLM",
        wire="openai",
        tier="local",
        base_url="http://127.0.0.1:8000/v1",
        key_url="https://docs.vllm.ai",
        brings="the model that your vLLM serves",
        schema_mode="json_schema",
    ),
    ProviderRow(
        name="local",
        title="Embedded llama.cpp",
        wire="embedded",
        tier="local",
        brings="GGUF models on this machine without another program; with SmolLM2 as a demonstration",
        schema_mode="json_object_of",
    ),
)

BY_NAME = {row.name: row for row in PROVIDERS}
