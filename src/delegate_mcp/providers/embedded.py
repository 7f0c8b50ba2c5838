"""Models that this program hosts itself: asked in the OpenAI protocol, at a loopback host that the keeper starts."""

from dataclasses import replace

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.local.keeper import HostAddress, Keeper
from delegate_mcp.local.models import LocalModel
from delegate_mcp.providers.base import Ask, ListedModel, Report
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
        """Answer once; a host that ends in the middle is started again and asked a second time."""
        model = self._keeper.model(ask.model)
        ask = _fitted(ask, model)
        first_ending: str | None = None
        while True:
            address = await self._keeper.address(model.name)
            host = await self._connect(model, address)
            try:
                return await host.complete(ask, report)
            except ProviderError as error:
                # A refusal has a status; what has none may be the host's end.
                ending = None if error.status else await self._keeper.ending(model.name, address)
                if ending is None:
                    raise
                if first_ending is not None:
                    raise ProviderError.network(
                        f"the local engine failed twice at this request (it {first_ending}, was started again and "
                        f"{ending}). Send less, use a smaller model or lower local.context_tokens"
                    ) from error
                first_ending = ending

    async def list_models(self) -> tuple[ListedModel, ...]:
        """The models whose files are here; nothing is started for it."""
        return tuple(ListedModel(model=m.name, context_tokens=m.context_tokens) for m in self._keeper.models())

    async def aclose(self) -> None:
        """Close connections to the hosts."""
        while self._connected:
            _, (_, host) = self._connected.popitem()
            await host.aclose()

    async def _connect(self, model: LocalModel, address: HostAddress) -> OpenAICompatibleProvider:
        """The client of the host at that address; one for each address, shared."""
        known = self._connected.get(model.name)
        if known is not None and known[0] == address:
            return known[1]
        row = replace(self._row, extra_body=(*self._row.extra_body, *model.sampling))
        host = OpenAICompatibleProvider(row, base_url=address.base_url, api_key=address.secret)
        self._connected[model.name] = (address, host)
        if known is not None:
            await known[1].aclose()
        return host


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
