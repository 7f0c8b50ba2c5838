"""The batches of this home: begins them, works on them, and goes on with those whose server is gone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from delegate_mcp.batch.beginning import call_start, keep
from delegate_mcp.batch.folder import BatchFolder, BatchFolders
from delegate_mcp.batch.item import Asking, Settling
from delegate_mcp.batch.owner import is_dead, machine_of, this_process
from delegate_mcp.batch.pace import Pace
from delegate_mcp.batch.report import ended_reply, outcome_of, running_reply
from delegate_mcp.batch.request import BatchRequest, BatchSpec
from delegate_mcp.batch.run import LEASE_S, RENEW_S, LostBatchError, Run
from delegate_mcp.batch.saving import save_results
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.dispatch.calls import Calls, RunningCall
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.errors import CallNotFoundError, DelegateError, InputError, LedgerError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import ZERO
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import CallEnd, CallState, Ledger
from delegate_mcp.ledger.batches import BatchRow, BatchState
from delegate_mcp.ledger.results import ResultStore
from delegate_mcp.platforms import pid_alive
from delegate_mcp.reporting.accounting import Accounting
from delegate_mcp.reporting.project import project_of
from delegate_mcp.routing.nobody import require_candidates

AT_ONCE = 16
"""Items that are asked for at once."""
LOOK_S = 10.0
"""Between two looks for batches whose server is gone."""
GRACE_S = 5.0
"""A host that ends cancels its requests too: a cancel that the server outlives so long is the person's."""
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Batches:
    """All that a batch needs, and the batches at work in this process."""

    folders: BatchFolders
    asking: Asking
    calls: Calls[Reply]
    ledger: Ledger
    store: ResultStore
    roots: Roots
    settings: Settings
    clock: Clock
    accounting: Accounting
    alive: Callable[[int], bool] = pid_alive
    renew_s: float = RENEW_S
    """Between two words to the ledger that a batch is at work."""
    closing: bool = False
    """The server ends: its batches are left for the next one."""
    _runs: dict[str, Run] = field(default_factory=dict[str, Run])
    _ours: set[str] = field(default_factory=set[str])
    """Batches that this process has begun or taken and not given up."""
    _taking: anyio.Lock = field(default_factory=anyio.Lock)

    # --- Beginning and going on --------------------------------------------------------------------------------------

    async def begin(self, ask: BatchRequest) -> RunningCall[Reply]:
        """Read the items, keep them, and start. InputError: they cannot be used, and nothing was sent."""
        fence = self._fence(ask.asked.roots)
        spec, first = await to_thread.run_sync(keep, ask, self.folders, fence, self.clock.now())
        folder = self.folders.folder(spec.batch_id)
        row = self._row(spec)
        try:
            await self._require_somebody(spec.request(first))
            await self.ledger.begin_batch(row)
            project = project_of(fence.roots, named=self.settings.ledger is None)
            await self.ledger.begin_call(call_start(spec, project))
            self._ours.add(spec.batch_id)
            await to_thread.run_sync(folder.put_spec, spec)  # from here on others look whose it is
        except BaseException:
            self._ours.discard(spec.batch_id)
            folder.remove()
            raise
        return self._start(spec, row, resumed=False)

    async def _require_somebody(self, request: DelegateRequest) -> None:
        """Look at what the items have in common. InputError, NoCandidateError: every item would fail the same way."""
        plan = await self.asking.plan(replace(request, files=()))
        if not any(passed.temporary for passed in plan.passed_over):
            require_candidates(plan, await self.asking.known())

    async def watch(self) -> None:
        """Go on with what other servers, or this home's last one, left behind; until the server ends."""
        while not self.closing:
            try:
                await self.take_over()
            except (LedgerError, OSError) as error:
                logger.warning("Batches that were left behind could not be looked for: %s", error)
            await self.clock.sleep(LOOK_S)

    async def take_over(self) -> None:
        """Start what is unfinished here and nobody's any more."""
        async with self._taking:
            for batch_id in await to_thread.run_sync(self.folders.unfinished):
                if batch_id in self._ours or self.closing:
                    continue
                folder = self.folders.folder(batch_id)
                spec = await to_thread.run_sync(folder.spec)
                if spec is not None and (row := await self._taken(spec, folder)) is not None:
                    self._start(spec, row, resumed=True)

    async def _taken(self, spec: BatchSpec, folder: BatchFolder) -> BatchRow | None:
        """The batch's row where it is ours now."""
        there = await self.ledger.batch(spec.batch_id)
        if there is None:  # the ledger was broken and begun anew
            await self.ledger.begin_batch(self._row(spec))
        elif there.state != "running":
            if (await to_thread.run_sync(folder.outcome)) is not None:  # its server was killed while it cleaned up
                await to_thread.run_sync(folder.finish)
            return None
        row = replace(there or self._row(spec), owner=this_process(), lease_until=self.clock.now() + LEASE_S)
        dead = there.owner if there is not None and is_dead(there.owner, self.alive) else ""
        return row if await self.ledger.hold_batch(row, self.clock.now(), dead) else None

    def _fence(self, roots: tuple[Path, ...] | None) -> Roots:
        return self.roots if roots is None else replace(self.roots, roots=roots)

    def _row(self, spec: BatchSpec) -> BatchRow:
        return BatchRow(
            batch_id=spec.batch_id,
            state="running",
            created_at=spec.created_at,
            total=spec.total,
            owner=this_process(),
            lease_until=self.clock.now() + LEASE_S,
        )

    # --- At work -----------------------------------------------------------------------------------------------------

    def _start(self, spec: BatchSpec, row: BatchRow, *, resumed: bool) -> RunningCall[Reply]:
        self._ours.add(spec.batch_id)

        async def work(call: RunningCall[Reply]) -> Reply:
            return await self._work(self._run(spec, row, call, resumed=resumed))

        return self.calls.start(spec.batch_id, work)

    def _run(self, spec: BatchSpec, row: BatchRow, call: RunningCall[Reply], *, resumed: bool) -> Run:
        local = self.settings.local.slots if spec.task_type == "private" else AT_ONCE
        pace = Pace(self.clock, min(AT_ONCE, local))
        return Run(
            spec=spec,
            folder=self.folders.folder(spec.batch_id),
            row=row,
            settling=Settling(
                spec=spec,
                asking=self.asking,
                ledger=self.ledger,
                store=self.store,
                pace=pace,
                clock=self.clock,
                resumed=resumed,
            ),
            pace=pace,
            ledger=self.ledger,
            clock=self.clock,
            tell=partial(_tell, call),
            renew_s=self.renew_s,
        )

    async def _work(self, run: Run) -> Reply:
        self._runs[run.spec.batch_id] = run
        try:
            await run.work()
            return await self._ended(run, "done")
        except anyio.get_cancelled_exc_class():
            if not self.closing:
                self.calls.tasks.start_soon(self._cancelled, run)
            raise
        except LostBatchError:
            self._give_up(run)
            return await self.result(run.spec.batch_id, 0)
        except DelegateError:
            with anyio.CancelScope(shield=True):
                await self._leave(run)
            raise
        finally:
            self._runs.pop(run.spec.batch_id, None)

    async def _ended(self, run: Run, state: BatchState) -> Reply:
        """What is told of a batch that is over now."""
        with anyio.CancelScope(shield=True):
            await self._end(run, state)
        reply = await self.result(run.spec.batch_id, 0)
        await self._account(run.spec, "ok" if state == "done" else "cancelled", reply.text)
        return reply

    async def _end(self, run: Run, state: BatchState) -> None:
        """The results in order, saved, and only then the end in the ledger."""
        await to_thread.run_sync(self._settle_files, run, state)
        now = self.clock.now()
        row = replace(run.now(), state=state, ended_at=now, expected_at=None, waits_until=None)
        if not await self.ledger.hold_batch(row, now):
            logger.info("Batch %s was ended by another server.", run.spec.batch_id)
        await to_thread.run_sync(run.folder.finish)
        self._give_up(run)
        self._runs.pop(run.spec.batch_id, None)

    async def _account(self, spec: BatchSpec, state: CallState, told: str) -> None:
        """The director's own call: what it wrote and read; what that spared is counted with the items."""
        end = CallEnd(call_id=spec.batch_id, ended_at=self.clock.now(), state=state)
        await self.ledger.end_call(await self.accounting.unanswered(spec.director, end, told, ZERO))

    def _settle_files(self, run: Run, state: BatchState) -> None:
        spec, done = run.spec, run.done
        if done is None:
            done = run.done = run.folder.open_done(spec.total)
        try:
            run.folder.put_results(done)
        except OSError as error:
            raise LedgerError(f"The results of batch {spec.batch_id} cannot be kept: {error.strerror}.") from error
        saved, not_saved = None, None
        if spec.save_to is not None and state == "done":
            try:
                roots = None if spec.roots is None else tuple(map(Path, spec.roots))
                save_results(run.folder.results, spec.save_to, self._fence(roots).resolve_write)
                saved = spec.save_to
            except InputError as error:
                not_saved = str(error)
        run.folder.put_outcome(outcome_of(done, spec.total, state, saved=saved, not_saved=not_saved))

    async def _cancelled(self, run: Run) -> None:
        """The person's cancel ends the batch; where the server ends with its host, it stays for the next one."""
        await self.clock.sleep(GRACE_S)
        if not self.closing:
            try:
                await self._ended(run, "cancelled")
            except DelegateError as error:
                logger.warning("%s", error)
                self._give_up(run)

    async def _leave(self, run: Run) -> None:
        """Let whoever looks next go on with it."""
        self._give_up(run)
        try:
            await self.ledger.hold_batch(replace(run.now(), lease_until=0.0), self.clock.now())
        except LedgerError as error:
            logger.warning("%s", error)

    def _give_up(self, run: Run) -> None:
        self._ours.discard(run.spec.batch_id)
        if run.done is not None:
            run.done.close()
            run.done = None

    # --- Told --------------------------------------------------------------------------------------------------------

    def still_running(self, batch_id: str) -> Reply:
        """How far a batch of this process is."""
        run = self._runs[batch_id]
        return running_reply(run.now(), run.folder.so_far, self.clock.now())

    async def result(self, batch_id: str, offset: int) -> Reply:
        """State and results of a batch, whoever works on it. CallNotFoundError: nothing is known of it."""
        if batch_id in self._runs:
            return self.still_running(batch_id)
        folder = self.folders.folder(batch_id)
        outcome = await to_thread.run_sync(folder.outcome)
        if outcome is not None:
            tell = partial(ended_reply, batch_id, outcome, folder, self.settings.results.max_tokens, offset)
            try:
                return await to_thread.run_sync(tell)
            except OSError as error:
                raise CallNotFoundError(f"The results of batch {batch_id} are no longer kept. Ask anew.") from error
        row = await self.ledger.batch(batch_id)
        if row is None:
            raise CallNotFoundError(f"No batch {batch_id!r} is known. Take the id from the bracketed last line.")
        if row.state == "running":
            here = await to_thread.run_sync(folder.so_far.exists)
            return running_reply(row, folder.so_far if here else None, self.clock.now())
        raise CallNotFoundError(
            f"Batch {batch_id} is over ({row.answered} of {row.total} items answered), but its results are kept on "
            f"the machine {machine_of(row.owner)}, or no more (results.keep_days)."
        )


def _tell(call: RunningCall[Reply], run: Run) -> None:
    done = run.done
    if done is not None:
        failed = f", {done.failed} failed" if done.failed else ""
        call.progress.tell(f"{done.settled} of {run.spec.total} items{failed}", 0)
