"""delegate-mcp from a Python program: the same path, rules, quotas, ledger and privacy as the tools.

    from delegate_mcp import open_app

    async with open_app() as app:
        answer = await app.delegate("Name three rivers of Spain.", task_type="quick")
        print(answer.text, answer.model, answer.cost_usd)

Settings, keys and the working directory are those of the process, as for the server. Every method raises DelegateError
(`delegate_mcp.domain.errors`), whose message says what happened and what to do.
"""

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict, Unpack

import anyio

from delegate_mcp.app import App
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.domain.errors import AllAttemptsFailedError, NoCandidateError
from delegate_mcp.domain.outcome import Attempt
from delegate_mcp.domain.plan import PassedOver, RoutePlan
from delegate_mcp.domain.request import AUTO, DelegateRequest, OnLimit
from delegate_mcp.domain.usage import Usage
from delegate_mcp.holder import AppHolder
from delegate_mcp.wiring import open_app as open_parts


class Asked(TypedDict, total=False):
    """What may be asked beside the prompt; the meaning is that of the tools' parameters."""

    task_type: str
    model: str | None
    files: Sequence[str | Path]
    save_to: str | Path | None
    overwrite: bool
    json_schema: Mapping[str, Any] | None
    thread: str | None
    votes: int
    edit: bool
    edit_in: str | Path | None
    check: str | None
    tries: int
    on_limit: OnLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    text: str
    """The whole answer; with `json_schema` valid JSON."""
    call_id: str
    """Give it as `thread` to go on from here."""
    model: str
    """`provider:model` that answered."""
    tier: str
    task_type: str
    usage: Usage
    """Tokens of all attempts together."""
    cost_usd: Decimal
    saved_to: Path | None
    """Where `save_to` put it."""
    facts: Mapping[str, Any]
    """All that `_meta` tells a host: route, attempts, files, notes."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """An open app; made by `open_app`."""

    app: App
    """What lies below, for what has no method here."""

    async def delegate(self, prompt: str, **asked: Unpack[Asked]) -> Answer:
        """Have a prompt answered. Cancelling it ends what is under way and settles its records."""
        call = self.app.start(_request(prompt, asked))
        try:
            await call.done.wait()
        except anyio.get_cancelled_exc_class():
            call.scope.cancel()
            raise
        return _answer(call.outcome())

    async def plan(self, prompt: str, **asked: Unpack[Asked]) -> RoutePlan:
        """Who would be asked, in order, and why; nothing is sent."""
        return await self.app.plan(_request(prompt, asked))

    async def recommend(self, task: str) -> dict[str, Any]:
        """The models that fit a task type, or a prompt, best, with their points; as `models://recommend/{task}`."""
        return await self.app.recommend(task)

    async def budget(self) -> dict[str, Any]:
        """Use, limits and what is left of each quota; as `budget://current`."""
        return await self.app.budget(_CONNECTION)

    def orchestrate(self, primary: str, *backups: str) -> "Orchestration":
        """A conversation that one model leads, others taking over where it cannot."""
        return Orchestration(self, (primary, *backups))


@dataclass(slots=True)
class Orchestration:
    """A conversation with a primary model and backups. Each turn asks the primary first, so it leads once it can."""

    delegation: Delegation
    models: tuple[str, ...]
    """In the order in which they are asked."""
    thread: str | None = field(default=None)
    """The call id of the last turn; whoever answers the next one knows all turns."""
    model: str | None = field(default=None)
    """Who answered last."""

    async def ask(self, prompt: str, **asked: Unpack[Asked]) -> Answer:
        """The next turn. Where none answers, the error holds what each of them said, and the conversation stays."""
        passed: list[PassedOver] = []
        tried: list[Attempt] = []
        call_id = ""
        for model in self.models:
            turn: Asked = {"thread": self.thread, **asked, "model": model}
            try:
                answer = await self.delegation.delegate(prompt, **turn)
            except NoCandidateError as error:
                passed += error.passed_over
            except AllAttemptsFailedError as error:
                tried += error.attempts
                call_id = error.call_id
            else:
                self.thread, self.model = answer.call_id, answer.model
                return answer
        if tried:
            numbered = [replace(attempt, number=number) for number, attempt in enumerate(tried, 1)]
            raise AllAttemptsFailedError("None of the session's models answered.", call_id, numbered)
        raise NoCandidateError("None of the session's models can be asked. Nothing was sent.", passed)


@asynccontextmanager
async def open_app() -> AsyncGenerator[Delegation]:
    """Open everything for this process's environment and working directory; closed, and its calls ended, on leaving.

    ConfigError and LedgerError say what is wrong with the settings or the ledger.
    """
    async with AppHolder(open_parts) as holder:
        yield Delegation(await holder.app())


_CONNECTION = f"library-{os.getpid()}"


def _request(prompt: str, asked: Asked) -> DelegateRequest:
    given: dict[str, Any] = {"task_type": AUTO, **asked}
    for name in ("save_to", "edit_in"):
        given[name] = None if given.get(name) is None else str(given[name])
    given["files"] = tuple(str(path) for path in asked.get("files", ()))
    return DelegateRequest(prompt=prompt, tool="library", connection=_CONNECTION, **given)


def _answer(reply: Reply) -> Answer:
    facts: Mapping[str, Any] = reply.meta.get("delegate", {})
    route = facts["route"]
    saved: Mapping[str, Any] | None = facts.get("saved")
    return Answer(
        text=reply.answer,
        call_id=facts["call_id"],
        model=f"{route['provider']}:{route['model']}",
        tier=route["tier"],
        task_type=route["task_type"],
        usage=Usage(**facts["usage"]),
        cost_usd=Decimal(facts["cost_usd"]),
        saved_to=Path(saved["path"]) if saved else None,
        facts=facts,
    )
