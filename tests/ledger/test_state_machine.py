"""Whatever is written in whatever order through whichever server: the SQLite ledger says what the plain lists say."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from delegate_mcp.domain.errors import ErrorKind, LedgerError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.ledger.base import Ledger, Ticket
from delegate_mcp.ledger.sqlite import SqliteLedger
from tests.fakes.ledger_rows import GEMINI, GROQ, HERE, MIDNIGHT, asked, call_end, call_start, ended
from tests.fakes.memory_ledger import MemoryLedger

DAYS = {"groq": MIDNIGHT, "gemini": MIDNIGHT + 7.5 * 3600}
GONE = 999_999

OTHER = ModelId("groq", "llama-3.1-8b")

ids = st.sampled_from(["a", "b", "c", "d"])
numbers = st.integers(1, 4)
models = st.sampled_from([GROQ, OTHER, GEMINI])
tiers = st.sampled_from(["free", "paid"])
tokens = st.integers(0, 10_000)
scopes = st.sampled_from(["model", "account"])
marks = st.sampled_from(["", "old", "new"])
resets = st.sampled_from(["utc", "pacific"])
usages = st.builds(Usage, tokens, tokens, tokens, st.booleans())
money = st.integers(0, 10**10).map(lambda nano: Decimal(nano) / 10**9)
told = st.builds(
    RateLimit,
    st.sampled_from(["requests", "tokens"]),
    st.sampled_from(["minute", "day", "month"]),
    tokens,
    st.none() | tokens,
    st.none() | st.floats(0, 1e5),
    st.sampled_from(["header", "refusal"]),
    scopes,
)
limit = st.builds(
    Limit,
    st.sampled_from(["requests", "tokens"]),
    st.sampled_from(["minute", "day"]),
    st.sampled_from([1, 2, 5_000, 20_000]),
    scopes,
)
steps = st.sampled_from([0.0, 0.5, 20.0, 31.0, 61.0, 1800.0, 3600.0, 9 * 3600.0])
kinds = st.sampled_from([None, None, None, *ErrorKind, *[ErrorKind.OVERLOADED] * 6, *[ErrorKind.RATE_LIMITED] * 2])


class TwoServers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.now = MIDNIGHT + 3000.0

    @initialize()
    def start(self) -> None:
        def living(pid: int) -> bool:
            return pid == HERE

        path = Path(self.folder.name) / "ledger.db"
        self.model = MemoryLedger(lambda: self.now, living)
        self.servers = [self.runner.run(SqliteLedger.open(path, lambda: self.now, alive=living)) for _ in range(2)]

    @rule(step=steps)
    def time_goes_on(self, step: float) -> None:
        self.now += step

    @rule(server=st.integers(0, 1), call_id=ids, connection=st.sampled_from(["x", "y"]), living=st.booleans())
    def a_call_begins(self, server: int, call_id: str, connection: str, living: bool) -> None:  # noqa: FBT001 - drawn
        start = call_start(call_id, self.now, connection=connection, pid=HERE if living else GONE)
        self._both(server, lambda ledger: ledger.begin_call(start))

    @rule(
        server=st.integers(0, 1),
        key=st.tuples(ids, numbers),
        waits_s=st.none() | st.floats(0, 100),
        model_id=models,
        tier=tiers,
        tokens=tokens,
        limits=st.lists(limit, max_size=3).map(tuple),
        reset=resets,
        usd=money,
        daily_usd=st.none() | money,
        key_mark=marks,
        lease_s=st.sampled_from([10.0, 300.0]),
    )
    def an_attempt_asks_for_its_place(
        self, *, server: int, key: tuple[str, int], waits_s: float | None, **drawn: Any
    ) -> None:
        call_id, number = key
        if call_id not in self.model.calls:
            return  # whose process it is would be told by no one
        ticket = None if waits_s is None else Ticket(f"{call_id}.{number}", self.now - waits_s, self.now + 50)
        ask = asked(call_id, number, at=self.now, ticket=ticket, **drawn)
        self._both(server, lambda ledger: ledger.reserve(ask))

    @rule(server=st.integers(0, 1), key=st.tuples(ids, numbers))
    def one_who_waits_steps_out(self, server: int, key: tuple[str, int]) -> None:
        self._both(server, lambda ledger: ledger.leave(f"{key[0]}.{key[1]}"))

    @rule(
        server=st.integers(0, 1),
        key=st.tuples(ids, numbers),
        kind=kinds,
        cancelled=st.booleans(),
        told_s=st.none() | st.floats(0, 1e4),
        usage=usages,
        cost_usd=money,
        latency_ms=st.floats(0, 1e5),
        first_token_ms=st.none() | st.floats(0, 1e5),
        counted=st.booleans(),
        rate_limits=st.lists(told, max_size=3).map(tuple),
        key_mark=marks,
        reset=resets,
        counted_tokens=st.none() | tokens,
    )
    def an_attempt_ends(
        self,
        *,
        server: int,
        key: tuple[str, int],
        kind: ErrorKind | None,
        cancelled: bool,
        told_s: float | None,
        **drawn: Any,
    ) -> None:
        held = self.model.tried.get(key)
        if held is None:
            return
        end = ended(
            *key,
            held.start.model_id,
            self.now,
            tier=held.start.tier,
            outcome="cancelled" if cancelled and kind is None else "ok",
            error_kind=kind,
            told_until=None if told_s is None else self.now + told_s,
            **drawn,
        )
        self._both(server, lambda ledger: ledger.settle(end))

    @rule(server=st.integers(0, 1), call_id=ids, saved_usd=money, tier=tiers, ok=st.booleans())
    def a_call_ends(self, server: int, call_id: str, saved_usd: Decimal, tier: Any, ok: bool) -> None:  # noqa: FBT001 - drawn
        if ok:
            end = call_end(call_id, self.now, tier=tier, saved_usd=saved_usd, director=(3, 4))
        else:
            end = call_end(call_id, self.now, state="failed", candidate=None, tier=None, error="no luck")
        if call_id in self.model.calls:
            self._both(server, lambda ledger: ledger.end_call(end))

    @invariant()
    def both_tell_the_same(self) -> None:
        for server in self.servers:
            assert self._told(server) == self._told(self.model)

    def teardown(self) -> None:
        for server in self.servers:
            self.runner.run(server.aclose())
        self.runner.close()
        self.folder.cleanup()

    def _both(self, server: int, act: Callable[[Ledger], Awaitable[object]]) -> None:
        assert self._said(self.servers[server], act) == self._said(self.model, act)

    def _said(self, ledger: Ledger, act: Callable[[Ledger], Awaitable[object]]) -> object:
        async def acted() -> object:
            try:
                return await act(ledger)
            except LedgerError:
                return LedgerError

        return self.runner.run(acted())

    def _told(self, ledger: Ledger) -> tuple[Any, ...]:
        async def everything() -> tuple[Any, ...]:
            return (
                await ledger.snapshot(self.now, DAYS),
                await ledger.totals(MIDNIGHT + 3600),
                await ledger.totals(0, "x"),
                await ledger.recent_calls(10),
                [await ledger.attempts(call_id) for call_id in "abcd"],
                await ledger.first_token_p95_ms(GROQ),
            )

        return self.runner.run(everything())


TestTwoServers = TwoServers.TestCase
TestTwoServers.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
