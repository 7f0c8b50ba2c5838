"""One rented machine: started when it is first wanted, paid for in the ledger by time, stopped when nobody asks it.

The cost of time is recorded as attempts of a call of its own: a block of minutes is reserved under the daily cap before
it is used, and settled to what it really cost. So no number of processes can rent past the cap; answers cost no more.
A machine that may run is noted in a file until its stop command has succeeded; the next server takes it over.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from delegate_mcp.config.settings import RentedSettings
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.call_id import new_call_id
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.ledger.base import CallEnd, CallStart, Ledger, Refusal, Reserve, Settle
from delegate_mcp.rented.lease import Held, Lease

logger = logging.getLogger(__name__)

PROVIDER = "rented"
BLOCK_S = 600.0
"""Time that is reserved at once."""
_POLL_S = 5.0
_ASK_AGAIN_S = 20.0
_BUDGET_AGAIN_S = 600.0
_LEASE_MARGIN_S = 60.0
_HOUR_S = 3_600

Run = Callable[[Sequence[str], float, Path], Awaitable[str | None]]
"""Runs a command within so many seconds, its words into that file; why it failed, or None."""
Healthy = Callable[[], Awaitable[bool]]


@dataclass(slots=True, kw_only=True)
class _Block:
    """Time that is reserved in the ledger."""

    number: int
    since: float


class Machine:
    """One for each `[rented.<name>]` and server process."""

    def __init__(
        self,
        name: str,
        settings: RentedSettings,
        *,
        lease: Lease,
        ledger: Ledger,
        clock: Clock,
        tasks: TaskGroup,
        run: Run,
        healthy: Healthy,
        daily_usd: Decimal | None,
        pid: int,
    ) -> None:
        self._name = name
        self._settings = settings
        self._lease = lease
        self._ledger = ledger
        self._clock = clock
        self._tasks = tasks
        self._run = run
        self._healthy = healthy
        caps = [cap for cap in (daily_usd, settings.max_usd_day) if cap is not None]
        self._cap = min(caps, default=Decimal(0))
        self._pid = pid
        self._call_id = ""
        self._block: _Block | None = None
        self._blocks = 0
        self._keeping: anyio.CancelScope | None = None
        self._kept = anyio.Event()
        self._why_not: tuple[str, float] | None = None
        """Why it could not be had, and until when that is believed."""

    async def wanted(self) -> None:
        """Returns where it answers. ProviderError while it does not: it is being started, or may not be."""
        now = self._clock.now()
        self._lease.used(now)
        if await self._healthy():
            self._keep_soon()  # somebody must pay for it and stop it, whoever started it
            return
        if self._why_not is not None and now < self._why_not[1]:
            raise _later(f"{self._name} cannot be rented now: {self._why_not[0]}", self._why_not[1] - now)
        self._keep_soon()
        raise _later(f"{self._name} is being rented and does not answer yet", _ASK_AGAIN_S)

    def adopt(self) -> None:
        """Take over what another process left running."""
        if self._lease.held() is not None:
            self._keep_soon()

    async def aclose(self) -> None:
        """Stop it, unless another process uses it: that one takes it over."""
        if self._keeping is not None:
            self._keeping.cancel()
            with anyio.CancelScope(shield=True):
                await self._kept.wait()
        self._lease.left()

    def _keep_soon(self) -> None:
        if self._keeping is None:
            self._keeping = anyio.CancelScope()
            self._kept = anyio.Event()
            self._tasks.start_soon(self._keep, self._keeping)

    async def _keep(self, scope: anyio.CancelScope) -> None:
        """Be its payer, or wait to become it, until it is gone."""
        try:
            with scope:
                while not self._lease.payer.take():
                    await self._clock.sleep(_POLL_S)
                    if self._lease.held() is None:
                        return  # its payer has stopped it
                await self._pay()
        except Exception:  # it must not end the server, and what it leaves is noted in the file
            logger.exception("The rented machine %s is no longer looked after by this process.", self._name)
        finally:
            with anyio.CancelScope(shield=True):
                await self._hand_over()
            self._keeping = None
            self._kept.set()

    async def _pay(self) -> None:
        found = self._lease.held()
        if (refusal := await self._reserve(found)) is not None:
            self._cannot(_told(refusal), _BUDGET_AGAIN_S)
        elif found is not None or await self._start():
            await self._watch()
        await self._stop()

    async def _start(self) -> bool:
        now = self._clock.now()
        self._lease.hold(Held(since=now, paid_until=now))
        logger.warning("Renting %s at %s USD an hour.", self._name, self._settings.usd_per_hour)
        limit_s = self._settings.start_minutes * 60
        there = await self._healthy()  # started by hand, perhaps
        failure = None if there else await self._run(self._settings.start, limit_s, self._lease.log)
        while failure is None and not await self._healthy():
            await self._clock.sleep(_POLL_S)
            if self._clock.now() - now > limit_s:
                failure = f"it did not answer within {self._settings.start_minutes:g} minutes"
        if failure is not None:
            self._cannot(f"{failure} (see {self._lease.log})", _BUDGET_AGAIN_S)
        return failure is None

    async def _watch(self) -> None:
        """Pay on, until nobody asks it any more or no money is left."""
        ready = self._clock.now()
        while True:
            await self._clock.sleep(_POLL_S)
            now = self._clock.now()
            if now - max(ready, self._lease.last_used()) > self._settings.idle_minutes * 60:
                return
            if self._block is not None and now - self._block.since >= BLOCK_S:
                await self._settle()
                if (refusal := await self._reserve(self._lease.held())) is not None:
                    self._cannot(_told(refusal), _BUDGET_AGAIN_S)
                    return

    async def _stop(self) -> None:
        """Until it has worked: what is not stopped costs on."""
        while self._lease.held() is not None:
            failure = await self._run(self._settings.stop, self._settings.stop_minutes * 60, self._lease.log)
            if failure is None:
                self._lease.let_go()
                logger.warning("The rented machine %s is stopped.", self._name)
                break
            logger.error("The rented machine %s could not be stopped and costs on: %s.", self._name, failure)
            await self._clock.sleep(BLOCK_S / 10)

    async def _hand_over(self) -> None:
        """What is due is written down; a machine that nobody else uses is stopped, within what time an end leaves."""
        try:
            if self._lease.held() is not None and self._lease.payer.mine and not self._lease.others():
                await self._stop_once()
            await self._settle()
            await self._end_call()
        finally:
            self._lease.payer.free()

    async def _stop_once(self) -> None:
        failure = await self._run(self._settings.stop, self._settings.stop_minutes * 60, self._lease.log)
        if failure is None:
            self._lease.let_go()
        else:
            logger.error(
                "The rented machine %s may still run: %s. It is stopped at the next start.", self._name, failure
            )

    # --- Money -------------------------------------------------------------------------------------------------------

    async def _reserve(self, held: Held | None) -> Refusal | None:
        """Hold a block of time in the ledger, with what was not paid yet; why it may not be."""
        now = self._clock.now()
        if not self._call_id:
            self._call_id = new_call_id()
            await self._ledger.begin_call(_call(self._call_id, now, self._pid))
        since = held.paid_until if held is not None and held.paid_until else now
        self._blocks += 1
        refusal = await self._ledger.reserve(
            Reserve(
                call_id=self._call_id,
                number=self._blocks,
                model_id=ModelId(PROVIDER, self._name),
                tier="paid",
                now=now,
                tokens=0,
                lease_until=now + BLOCK_S + _LEASE_MARGIN_S,
                usd=self._usd(now - since + BLOCK_S),
                daily_usd=self._cap,
            )
        )
        if refusal is None:
            self._block = _Block(number=self._blocks, since=since)
        return refusal

    async def _settle(self) -> None:
        """Put what the block cost in the place of what was reserved."""
        block, self._block = self._block, None
        if block is None:
            return
        now = self._clock.now()
        attempt = Attempt(
            number=block.number,
            model_id=ModelId(PROVIDER, self._name),
            tier="paid",
            outcome="ok",
            latency_ms=(now - block.since) * 1_000,
            cost_usd=self._usd(now - block.since),
        )
        await self._ledger.settle(Settle(call_id=self._call_id, attempt=attempt, ended_at=now))
        if (held := self._lease.held()) is not None:
            self._lease.hold(Held(since=held.since, paid_until=now))

    async def _end_call(self) -> None:
        call_id, self._call_id = self._call_id, ""
        if call_id:
            attempts = await self._ledger.attempts(call_id)
            cost = sum((attempt.cost_usd for attempt in attempts), Decimal(0))
            model = ModelId(PROVIDER, self._name)
            now = self._clock.now()
            await self._ledger.end_call(
                CallEnd(
                    call_id=call_id,
                    ended_at=now,
                    state="ok",
                    candidate=model,
                    tier="paid",
                    cost_usd=cost,
                    saved_usd=-cost,  # its answers cost nothing themselves, so what they save is less this
                )
            )
            self._blocks = 0

    def _usd(self, seconds: float) -> Decimal:
        return (self._settings.usd_per_hour * Decimal(round(seconds)) / _HOUR_S).quantize(Decimal("0.000001"))

    def _cannot(self, why: str, for_s: float) -> None:
        self._why_not = (why, self._clock.now() + for_s)
        logger.warning("The machine %s is not rented: %s.", self._name, why)


def _call(call_id: str, now: float, pid: int) -> CallStart:
    return CallStart(
        call_id=call_id,
        started_at=now,
        tool="rent",
        task_type="",
        complexity="",
        rule="rented",
        reason="time of a rented machine",
        private=False,
        connection="",
        conversation=None,
        parent=None,
        pid=pid,
        input_tokens=0,
    )


def _told(refusal: Refusal) -> str:
    return "today's budget does not allow it" if refusal.why == "budget" else f"the ledger refuses it ({refusal.why})"


def _later(message: str, seconds: float) -> ProviderError:
    # A limit that time heals: the next candidate answers, and a caller that waits is served when it is up.
    return ProviderError(ErrorKind.RATE_LIMITED, message, retry_after_s=seconds)
