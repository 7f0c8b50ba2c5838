"""Models that this program hosts itself: asked in the OpenAI protocol, at the engine that the machine's host runs."""

from dataclasses import replace

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.local.host_client import HostAddress
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.local.models import LocalModel
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.registry import ProviderRow

# Less room than this for an answer is none.
_ROOM_TOKENS = 64


class EmbeddedProvider:
    """The row of the wire `embedded`. The keeper is closed by whoever made it."""

    def __init__(self, row: ProviderRow, keeper: Keeper) -> None:
        self._row = row
        self._keeper = keeper
        self._connected: dict[str, tuple[HostAddress, OpenAICompatibleProvider]] = {}

    @property
    def name(self) -> str:
        """The registry row's name."""
        return self._row.name

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Answer once. An engine that crashed meanwhile is started again by the next ask, which then notes it."""
        model = self._keeper.model(ask.model)
        ask = _fitted(ask, model)
        async with self._keeper.using(model.name) as use:
            try:
                engine = await self._connect(model, use.address)
                completion = await engine.complete(ask, report)
            except ProviderError as error:
                # A refusal has a status; what has none may be the engine's end.
                ending = None if error.status else await use.ending()
                if ending is None:
                    raise
                raise ProviderError(
                    ErrorKind.NETWORK,
                    f"{ending} in the middle of this request; it is started again by the next. Where that goes on: "
                    "send less, use a smaller model or lower local.context_tokens",
                    usage=error.usage,
                ) from error
        if not use.note:
            return completion
        return replace(completion, notes=(*completion.notes, f"engine restarted: it {use.note} before"))

    async def list_models(self) -> tuple[ListedModel, ...]:
        """The models whose files are here; nothing is started for it."""
        return tuple(ListedModel(model=m.name, context_tokens=m.context_tokens) for m in self._keeper.models())

    async def aclose(self) -> None:
        """Close connections to the engines."""
        while self._connected:
            _, (_, engine) = self._connected.popitem()
            await engine.aclose()

    async def _connect(self, model: LocalModel, address: HostAddress) -> OpenAICompatibleProvider:
        """The client of the engine at that address; one for each model, shared."""
        known = self._connected.get(model.name)
        if known is not None and known[0] == address:
            return known[1]
        row = replace(self._row, extra_body=(*self._row.extra_body, *model.sampling))
        engine = OpenAICompatibleProvider(row, base_url=address.base_url, api_key=address.secret)
        self._connected[model.name] = (address, engine)
        if known is not None:  # that engine has ended
            await known[1].aclose()
        return engine


def _fitted(ask: Ask, model: LocalModel) -> Ask:
    """The ask with the model's own temperature. ProviderError where it cannot fit into the model's context."""
    tokens = sum(estimate_tokens(message.text) for message in ask.messages)
    if tokens + _ROOM_TOKENS > model.context_tokens:
        raise ProviderError(
            ErrorKind.TOO_LARGE,
            f"about {tokens:,} tokens do not fit into the {model.context_tokens:,} of {model.name}; send less",
            limit=model.context_tokens,
        )
    if ask.options.temperature is not None:
        return ask
    return replace(ask, options=replace(ask.options, temperature=model.temperature))
