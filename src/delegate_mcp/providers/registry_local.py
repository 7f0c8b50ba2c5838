"""What runs models on this machine. `registry` says how to add one."""

from delegate_mcp.providers.row import ProviderRow

LOCAL: tuple[ProviderRow, ...] = (
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
