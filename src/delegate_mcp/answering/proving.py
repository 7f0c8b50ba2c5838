"""From an answer to files: saved or applied as a patch, checked by a command, tried again, and put back where it fails.

Each try begins with the files as they were: a patch is always one of what the model was sent. What a try wrote is in
place only while its check runs, and stays only where that passes.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from delegate_mcp.answering.again import Again
from delegate_mcp.answering.check_command import CheckCommand, check_command
from delegate_mcp.answering.check_output import for_director, for_model
from delegate_mcp.answering.check_run import Checked, run_check
from delegate_mcp.answering.patch import changes_of
from delegate_mcp.answering.patch_check import check_patch, require_git
from delegate_mcp.answering.patch_forms import PatchError, read_patch
from delegate_mcp.answering.tree import alone
from delegate_mcp.config.settings import Settings
from delegate_mcp.delivery.placing import Change, ChangedError, place, put_back, remove_empty
from delegate_mcp.delivery.receipts import Edited, EditedFile, Proof
from delegate_mcp.delivery.save import Saved, save_answer
from delegate_mcp.delivery.untrusted import for_file
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.dispatch.turn import Course
from delegate_mcp.domain.errors import InputError, UnprovenError
from delegate_mcp.domain.outcome import Outcome
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.intake.sandbox import Roots

_LAST_S = 1.0
"""So long before the deadline a check is ended, so that the files are put back in time."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was made of an answer."""

    outcome: Outcome
    """The answer that was used: that of the last try."""
    saved: Saved | None = None
    not_saved: str | None = None
    edited: Edited | None = None
    proof: Proof | None = None
    """None: nothing had to stand."""


class _FailedTry(Exception):  # noqa: N818 - nobody is told of it: it ends a try, not a call
    """A try that came to nothing; the files are as they were, but for those that are named."""

    def __init__(
        self,
        what: str,
        detail: str,
        *,
        by_answer: bool = False,
        to_model: str | None = None,
        kept: tuple[Path, ...] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        """As the beginning of a sentence: it is recorded."""
        self.by_answer = by_answer
        """The answer is to blame."""
        self.detail = detail
        self.to_model = to_model
        """None: another try would lead nowhere."""
        self.kept = kept
        """Files that somebody changed meanwhile, so that they were not put back."""


@dataclass(slots=True)
class _Try:
    """What one try has written so far."""

    saved: Saved | None = None
    edited: Edited | None = None
    changes: tuple[Change, ...] = ()
    made: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """Writes answers."""

    settings: Settings
    environ: Mapping[str, str]
    again: Again
    clock: Clock
    locks: Path
    """Where calls that check in the same tree take turns, of all server processes."""

    def vet(self, request: DelegateRequest, roots: Roots) -> None:
        """InputError: what was asked for could never be done. Looks at the disk; nothing was sent yet."""
        if request.edit:
            require_git()
        if request.check is not None:
            self.command(request.check, roots)

    async def prove(self, course: Course, request: DelegateRequest, outcome: Outcome, roots: Roots) -> Written:
        """Write what the request says. UnprovenError: it did not stand; the files are as they were."""
        if not request.edit and request.check is None:
            return await self._saved(request, outcome, roots)
        return await _Proof(self, course, request, roots).of(outcome)

    async def _saved(self, request: DelegateRequest, outcome: Outcome, roots: Roots) -> Written:
        try:
            return Written(outcome, saved=await to_thread.run_sync(partial(save, request, outcome, roots)))
        except InputError as error:
            return Written(outcome, not_saved=str(error))

    def command(self, asked: str, roots: Roots) -> CheckCommand:
        """The command that a call names. InputError: it may not run."""
        return check_command(asked, self.settings.checks, roots, self.environ)


def save(request: DelegateRequest, outcome: Outcome, roots: Roots) -> Saved | None:
    """The answer's file, where one is asked for. InputError: it cannot be written."""
    if request.save_to is None:
        return None
    return save_answer(
        outcome.completion.text,
        request.save_to,
        resolve=roots.resolve_write,
        call_id=outcome.call_id,
        overwrite=request.overwrite,
    )


@dataclass(slots=True)
class _Proof:
    """The tries of one call."""

    proving: Proving
    course: Course
    request: DelegateRequest
    roots: Roots

    async def of(self, outcome: Outcome) -> Written:
        number = 1
        while True:
            who = outcome.candidate.model_id
            try:
                written = await self._try(outcome, number)
            except _FailedTry as failed:
                if failed.by_answer:
                    self.course.proved.append((who, False))
                if failed.to_model is None or failed.kept or number >= self.request.tries:
                    raise self._unproven(failed, outcome, number) from failed
                found = await self.proving.again.ask(
                    self.course,
                    self.request,
                    outcome.plan,
                    who=who,
                    said=outcome.completion,
                    problem=failed.to_model,
                )
                if found is None:
                    raise self._unproven(failed, outcome, number, " No model could be asked again.") from failed
                outcome = self.proving.again.dispatcher.outcome(self.course, outcome.plan, *found)
                number += 1
            else:
                self.course.proved.append((who, True))
                return written

    async def _try(self, outcome: Outcome, number: int) -> Written:
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._alone())
            except TimeoutError as error:
                raise _FailedTry("Another call's check took all the time", "Call again.") from error
            tried = _Try()
            stands = False
            try:
                await to_thread.run_sync(self._write, tried, outcome)
                checked = await self._checked()
                stands = checked is None or checked.passed
            finally:
                kept: tuple[Path, ...] = ()
                if not stands:
                    with anyio.CancelScope(shield=True):
                        kept = await to_thread.run_sync(self._put_back, tried)
            if checked is not None and not checked.passed:
                raise self._check_failed(checked, kept)
        proof = Proof(number, self.request.check, checked.seconds if checked else 0.0)
        return Written(outcome, saved=tried.saved, edited=tried.edited, proof=proof)

    # --- Writing, in a worker thread ---------------------------------------------------------------------------------

    def _write(self, tried: _Try, outcome: Outcome) -> None:
        try:
            if self.request.edit:
                self._apply(tried, outcome)
            if (saved := save(self.request, outcome, self.roots)) is not None:
                tried.saved, tried.changes, tried.made = saved, (saved.change,), saved.made
        except PatchError as error:
            problem = f"Your patch was not applied: {error}. The files are as they were. Give the whole patch again."
            raise _FailedTry("The patch does not apply", f"{error}.", by_answer=True, to_model=problem) from error
        except ChangedError as error:
            shown = self.roots.shown(error.path)
            raise _FailedTry("A file has changed", f"{shown} {error.what}: call again.") from error
        except InputError as error:
            raise _FailedTry("It could not be written", str(error).replace(_kept(outcome), "").rstrip()) from error
        except OSError as error:
            raise _FailedTry("It could not be written", f"{error.strerror or type(error).__name__}.") from error

    def _apply(self, tried: _Try, outcome: Outcome) -> None:
        if outcome.completion.finish_reason == "length":
            raise PatchError("it was cut at the output limit: write smaller blocks, and no more than must change")
        originals = self.course.brief.originals
        known = [*(row.shown for row in originals), *(file.path for file in self.course.brief.files)]
        edits = read_patch(for_file(outcome.completion.text), known)
        rows = changes_of(edits, originals, self._new_path)
        check_patch(rows)
        changes = tuple(row.change for row in rows)
        tried.made = place(changes, self.roots.resolve_write)
        tried.changes = changes
        tried.edited = Edited(
            tuple(
                EditedFile(
                    row.shown,
                    "new" if row.change.before is None else "removed" if row.change.after is None else "changed",
                    row.added,
                    row.removed,
                )
                for row in rows
            ),
            "".join(row.diff for row in rows),
        )

    def _new_path(self, path: str) -> tuple[Path, str, bool]:
        real = self.roots.resolve_write(path)
        shown = self.roots.shown(real)
        root = next(root for root in self.roots.roots if real.is_relative_to(root))
        there = real.exists()
        if not there and any(part.startswith(".") for part in real.relative_to(root).parts):
            raise PatchError(f"{shown} would be a hidden file, which no patch may make")
        return real, shown, there

    def _put_back(self, tried: _Try) -> tuple[Path, ...]:
        kept = put_back(tried.changes, self.roots.resolve_write)
        remove_empty(tried.made)
        return kept

    # --- Checking ----------------------------------------------------------------------------------------------------

    async def _checked(self) -> Checked | None:
        if self.request.check is None:
            return None
        command = await to_thread.run_sync(self.proving.command, self.request.check, self.roots)
        self.course.progress(f"check: {self.request.check}", 0)
        time_s = min(self.proving.settings.checks.timeout_s, self._left() - _LAST_S)
        if time_s <= 0:
            raise _FailedTry("There was no time left for the check", "Ask for less, or raise calls.deadline_s.")
        try:
            return await run_check(command, time_s)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise _FailedTry("The check could not be started", f"{why}: correct checks.commands.") from error

    def _check_failed(self, checked: Checked, kept: tuple[Path, ...]) -> _FailedTry:
        told = f"`{self.request.check}`: {checked.told}"
        said = for_model(checked.output, self.course.brief, self.proving.settings.privacy)
        problem = None
        if said is not None:
            back = "" if self.request.edit_in else " The files are as they were before."
            whole = "the whole patch" if self.request.edit else "the whole answer"
            do = "Mend it in the directory." if self.request.edit_in else f"Give {whole} again, mended."
            problem = f"What you wrote was put in place and checked; it failed.{back} {do}\n\n{told}\n\n{said}"
        shown = for_director(checked.output, self.proving.settings.privacy, self.request.max_result_tokens)
        unsent = "" if said is not None else " Its output may not be sent, so no model was asked again."
        return _FailedTry("The check failed", f"{told}.{unsent}\n{shown}", by_answer=True, to_model=problem, kept=kept)

    def _alone(self) -> AbstractAsyncContextManager[None]:
        course, proving = self.course, self.proving
        deadline = course.deadline - _LAST_S
        return alone(proving.locks, self.roots, clock=proving.clock, deadline=deadline, tell=course.progress)

    def _left(self) -> float:
        return self.course.deadline - self.proving.clock.steady()

    def _unproven(self, failed: _FailedTry, outcome: Outcome, number: int, more: str = "") -> UnprovenError:
        tries = f" ({number} tries)" if number > 1 else ""
        state = "The files are as they were."
        if self.request.edit_in is not None:
            state = "The directory is as the CLI left it."
        elif failed.kept:
            changed = ", ".join(map(self.roots.shown, failed.kept))
            state = f"Changed meanwhile, so not put back: {changed}. Other files are as they were."
        return UnprovenError(f"{failed.what}{tries}.{more}", outcome, f"{state} {_kept(outcome)}\n{failed.detail}")


def _kept(outcome: Outcome) -> str:
    return f"The answer is kept: delegate_result {outcome.call_id}."
