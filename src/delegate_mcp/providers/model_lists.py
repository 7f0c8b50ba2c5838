"""What each service's list of models tells, and how it is asked for: bounded in time, size and number.

To add a service: a function that reads one row of its list, and a row in FORMS; one that tells no more than OpenAI's
needs neither. A field that is missing, or is something else than it should be, is a fact that is not known.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, cast

from delegate_mcp.domain.listed import ListedModel, ListPrice
from delegate_mcp.providers.json_view import mapping, mappings, text

logger = logging.getLogger(__name__)

MOST_MODELS = 10_000
"""Of a list of more chat models the rest is left out: what it does not name says nothing then."""
NOT_CHAT = re.compile(
    r"embed|rerank|whisper|tts|orpheus|speech|transcri|moderation|guard|dall-e|imagen|(?:^|[-/])veo|lyria|sora"
    r"|image|realtime|audio|(?:^|[-/])ocr|[-/]ocr|[-/]live|computer-use|[-/]aqa$|robotics|reward|clip|parse$|babbage|davinci"
)
"""Words in the names of models that do not chat."""

_LONGEST_NAME = 200
_LARGEST_SIZE = 100_000_000
_DEAREST = 100_000
_MILLION = 1_000_000
# llama-server tells what the model was trained for, and may be set to less; beyond this it has to be told.
_SURELY_SET = 32_768

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListForm:
    """How a service's list is asked for and read."""

    read: Callable[[Row], ListedModel | None]
    """One row; None: not a chat model, or not to be used."""
    path: str = "models"
    """Below the base URL."""
    below: str = "data"
    """Where the rows stand in the answer."""
    aliases: bool = False
    """A row's `aliases` are names that can be asked too (`…-latest`)."""
    free: re.Pattern[str] | None = None
    """Which names cost nothing on a free key where the list tells no price; None: none."""


def _plain(row: Row) -> ListedModel | None:
    """OpenAI's own list tells names only; those who follow it put sizes beside."""
    name = text(row.get("id"))
    if not name or row.get("active") is False:
        return None
    return ListedModel(
        model=name,
        context_tokens=_size(row, "context_length", "context_window", "max_context_length", "max_model_len"),
        max_output_tokens=_size(row, "max_completion_tokens", "max_output_tokens")
        or _size(mapping(row.get("top_provider")), "max_completion_tokens"),
    )


def _gemini(row: Row) -> ListedModel | None:
    methods = _words(row.get("supportedGenerationMethods"))
    if methods and "generateContent" not in methods:
        return None
    thinks = row.get("thinking")
    return ListedModel(
        model=text(row.get("name")).removeprefix("models/"),
        context_tokens=_size(row, "inputTokenLimit"),
        max_output_tokens=_size(row, "outputTokenLimit"),
        **_told({"reasoning": thinks} if isinstance(thinks, bool) else {}),
    )


def _openrouter(row: Row) -> ListedModel | None:
    """Its prices are USD a token, as text; -1 is a price that varies with the model behind it."""
    known, architecture = _plain(row), mapping(row.get("architecture"))
    outputs = _words(architecture.get("output_modalities"))
    if known is None or (outputs and "text" not in outputs):
        return None
    inputs, takes = _words(architecture.get("input_modalities")), _words(row.get("supported_parameters"))
    can = {"tools": "tools" in takes, "schema": "structured_outputs" in takes, "reasoning": "reasoning" in takes}
    seen = {"vision": "image" in inputs} if inputs else {}
    pricing = mapping(row.get("pricing"))
    return replace(
        known,
        inputs=inputs,
        price=_price(pricing.get("prompt"), pricing.get("completion"), times=_MILLION),
        **_told((can if takes else {}) | seen),
    )


def _huggingface(row: Row) -> ListedModel | None:
    """One model has several hosts, and the router chooses: only what holds at each of them is believed."""
    known, inputs = _plain(row), _words(mapping(row.get("architecture")).get("input_modalities"))
    hosts = [host for host in mappings(row.get("providers")) if text(host.get("status")) in {"", "live"}]
    if known is None or (row.get("providers") is not None and not hosts):
        return None
    sizes = [size for host in hosts if (size := _size(host, "context_length"))]
    prices = [
        price
        for pricing in (mapping(host.get("pricing")) for host in hosts)
        if (price := _price(pricing.get("input"), pricing.get("output")))
    ]
    can: dict[str, object] = {"vision": "image" in inputs} if inputs else {}
    for capability, key in (("tools", "supports_tools"), ("schema", "supports_structured_output")):
        told = [host[key] for host in hosts if isinstance(host.get(key), bool)]
        if told:
            can[capability] = all(told)
    return replace(
        known,
        context_tokens=min(sizes, default=known.context_tokens),
        inputs=inputs,
        price=max(prices, key=lambda price: price.output, default=None),
        **_told(can),
    )


def _mistral(row: Row) -> ListedModel | None:
    known, can = _plain(row), mapping(row.get("capabilities"))
    if known is None or can.get("completion_chat") is False or row.get("archived") is True:
        return None
    keys = {"tools": "function_calling", "vision": "vision", "reasoning": "reasoning"}
    return replace(known, **_told({name: can[key] for name, key in keys.items() if isinstance(can.get(key), bool)}))


def _together(row: Row) -> ListedModel | None:
    """Its prices are USD a million tokens."""
    known, pricing = _plain(row), mapping(row.get("pricing"))
    if known is None or text(row.get("type")) not in {"", "chat"}:
        return None
    return replace(known, price=_price(pricing.get("input"), pricing.get("output")))


def _cerebras(row: Row) -> ListedModel | None:
    """A key's own list tells names; the public one also limits, capabilities and prices a token."""
    known, limits, can = _plain(row), mapping(row.get("limits")), mapping(row.get("capabilities"))
    if known is None or row.get("deprecated") is True:
        return None
    keys = {
        "tools": ("tools", "function_calling"), "schema": ("structured_outputs",), "vision": ("vision",),
        "reasoning": ("reasoning",),
    }  # fmt: skip
    told = {name: can[key] for name, spelt in keys.items() for key in spelt if isinstance(can.get(key), bool)}
    return replace(
        known,
        context_tokens=_size(limits, "max_context_length") or known.context_tokens,
        max_output_tokens=_size(limits, "max_completion_tokens") or known.max_output_tokens,
        **_told(told),
    )


def _lmstudio(row: Row) -> ListedModel | None:
    """Its own list has kinds and sizes; a model that is loaded has the context it was loaded with."""
    known, kind = _plain(row), text(row.get("type"))
    if known is None or kind not in {"", "llm", "vlm"}:
        return None
    can: dict[str, object] = {"vision": kind == "vlm"} if kind else {}
    if isinstance(row.get("capabilities"), list):
        can["tools"] = "tool_use" in _words(row.get("capabilities"))
    size = _size(row, "loaded_context_length") or known.context_tokens
    return replace(known, context_tokens=size, **_told(can))


def _llama_server(row: Row) -> ListedModel | None:
    known, meta = _plain(row), mapping(row.get("meta"))
    if known is None:
        return None
    trained = _size(meta, "n_ctx_train")
    size = _size(meta, "n_ctx") or (trained and min(trained, _SURELY_SET)) or known.context_tokens
    return replace(known, context_tokens=size)


_OTHER_WIRES = re.compile(r"(gpt|grok|muse|claude|gemini|jev)-|qwen(?!3\.8-max)")


def _zen(row: Row) -> ListedModel | None:
    """Of its models these are asked in other protocols than chat completions."""
    known = _plain(row)
    return None if known is None or _OTHER_WIRES.match(known.model) else known


PLAIN = ListForm(read=_plain)
"""OpenAI, DeepSeek, Ollama, vLLM and whoever else follows OpenAI."""

_ALL = re.compile("")

FORMS: Mapping[str, ListForm] = MappingProxyType(
    {
        "groq": ListForm(read=_plain, path="openai/v1/models", free=_ALL),
        "gemini": ListForm(read=_gemini, path="models?pageSize=1000", below="models", free=re.compile("flash|gemma")),
        "openrouter": ListForm(read=_openrouter),
        "mistral": ListForm(read=_mistral, free=_ALL, aliases=True),
        "huggingface": ListForm(read=_huggingface),
        "cerebras": ListForm(read=_cerebras, free=_ALL),
        "nvidia": ListForm(read=_plain, free=_ALL),
        "together": ListForm(read=_together),
        "opencode-zen": ListForm(read=_zen, free=re.compile(r"-free$|^big-pickle$")),
        "lmstudio": ListForm(read=_lmstudio, path="../api/v0/models"),
        "llama-server": ListForm(read=_llama_server),
    }
)
"""Provider -> form of its list, where it tells more than OpenAI's."""


def form_of(provider: str) -> ListForm:
    """How that provider's list is asked for and read."""
    return FORMS.get(provider, PLAIN)


def read_list(provider: str, body: object) -> tuple[ListedModel, ...] | None:
    """The chat models of a list, each once; None: the answer is no list."""
    form = form_of(provider)
    given = cast("object", body if isinstance(body, list) else mapping(body).get(form.below))
    rows = mappings(given)
    if not isinstance(given, list) or (given and not rows):
        return None
    found: dict[str, ListedModel] = {}
    for row in rows:
        if len(found) >= MOST_MODELS:
            logger.warning("%s lists more than %d models; the first are used", provider, MOST_MODELS)
            break
        model = form.read(row)
        if model is None or not _usable_name(model.model) or NOT_CHAT.search(model.model.lower()):
            continue
        model = replace(model, free=_costs_nothing(form, model))
        names = (model.model, *filter(_usable_name, _words(row.get("aliases")) if form.aliases else ()))
        for name in names:
            found.setdefault(name, replace(model, model=name, aliases=tuple(other for other in names if other != name)))
    return tuple(found.values())[:MOST_MODELS]


def _costs_nothing(form: ListForm, listed: ListedModel) -> bool:
    if listed.price is not None:
        return listed.price.nothing
    return form.free is not None and form.free.search(listed.model) is not None


def _usable_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()


def _size(row: Row, *names: str) -> int | None:
    """The first of these that is a size."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LARGEST_SIZE:
            return int(value)
    return None


def _words(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(word for word in items if isinstance(word, str))


def _price(prompt: object, answer: object, times: int = 1) -> ListPrice | None:
    asked, given = _usd(prompt), _usd(answer)
    return None if asked is None or given is None else ListPrice(asked * times, given * times)


def _usd(value: object) -> Decimal | None:
    """An amount, or None for what is none: a price of -1 varies."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() and 0 <= usd <= _DEAREST else None


def _told(can: Mapping[Any, object]) -> dict[str, Any]:
    """Capabilities that are told of, and those of them that it has."""
    return {"tells": frozenset(can), "capabilities": frozenset(name for name, has in can.items() if has)}
