"""When a model's first token is late enough to ask another beside it."""

from dataclasses import dataclass, field

from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.base import Ledger

_KEEP_S = 60.0


@dataclass(slots=True, eq=False)
class Lateness:
    """What was learned of each model's first token, remembered for a minute."""

    ledger: Ledger
    clock: Clock
    least_s: float = 2.0
    """However quick a model usually is, it gets so long."""
    _known: dict[ModelId, tuple[float, float | None]] = field(default_factory=dict[ModelId, tuple[float, float | None]])

    async def late_after_s(self, model_id: ModelId) -> float | None:
        """Seconds after which 19 of 20 answers had begun, at least 2; None where too little is known of it."""
        at, p95_ms = self._known.get(model_id, (-_KEEP_S, None))
        if self.clock.steady() - at >= _KEEP_S or model_id not in self._known:
            p95_ms = await self.ledger.first_token_p95_ms(model_id)
            self._known[model_id] = (self.clock.steady(), p95_ms)
        return None if p95_ms is None else max(self.least_s, p95_ms / 1000)
