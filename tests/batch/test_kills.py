"""A server that is killed at any step: what was settled is never asked for again, and nothing is missing."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from delegate_mcp.batch.ids import item_call_id
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.providers.base import Ask, Report
from tests.batch.scene import Scene, asking, ended
from tests.batch.test_batches import echoes, lines_of
from tests.fakes.memory_ledger import MemoryLedger
from tests.fakes.provider import Handler, answers

ITEMS = list("ab")


class Killed(BaseException):
    """No code of ours runs any more."""


class Life:
    """A process that is killed at a step; what it goes on to do after that is done by nobody."""

    def __init__(self, ends_at: int) -> None:
        self._ends_at = ends_at
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps >= self._ends_at:
            raise Killed

    def asking(self, handler: Handler) -> Handler:
        """The same, with a step before the service has the request and one when its answer has come."""

        async def answer(ask: Ask, report: Report) -> Completion:
            self.step()
            said = await handler(ask, report)
            self.step()
            return said

        return answer


class Mortal:
    """A ledger of such a process: killed before something is written, or after it when nobody knows yet."""

    def __init__(self, ledger: MemoryLedger, life: Life) -> None:
        self._ledger = ledger
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def step(*args: Any, **named: Any) -> Any:
            self._life.step()
            found = await getattr(self._ledger, name)(*args, **named)
            self._life.step()
            return found

        return step


async def killed_at(here: Scene, step: int, **given: Any) -> tuple[str, int]:
    """A batch whose server is killed at that step; its id, and how many steps it came to."""
    whole, life, groq = here.ledger, Life(step), here.providers["groq"]
    here.ledger = cast("MemoryLedger", Mortal(whole, life))
    answer = groq.handlers[0]
    groq.handlers = [life.asking(answer)]
    begun: list[str] = []
    try:
        async with here.server() as batches:
            call = await batches.begin(asking("Say {item}", items=ITEMS, save_to="out.jsonl", **given))
            begun.append(call.call_id)
            await call.done.wait()
    except* Killed:
        pass
    here.ledger, groq.handlers = whole, [answer]
    return begun[0] if begun else "", life.steps


def settled(here: Scene, batch_id: str) -> Counter[int]:
    """How many answers of each item were settled."""
    calls = {item_call_id(batch_id, index, number): index for index in range(len(ITEMS)) for number in range(1, 5)}
    ended = ((key[0], held.end) for key, held in here.ledger.tried.items())
    return Counter(calls[call_id] for call_id, end in ended if end is not None and end.attempt.outcome == "ok")


@pytest.mark.parametrize("schema", [None, {"type": "array"}], ids=["text", "JSON"])
async def test_wherever_it_is_killed_no_settled_answer_is_asked_for_again_and_none_is_missing(
    tmp_path: Path, schema: dict[str, Any] | None
) -> None:
    here = scene(tmp_path / "whole", schema)
    _, steps = await killed_at(here, 1_000_000, json_schema=schema)
    begun = under_way = 0
    for step in range(1, steps + 1):
        here = scene(tmp_path / str(step), schema)
        batch_id, _ = await killed_at(here, step, json_schema=schema)
        if not batch_id:  # it was refused as a whole: nothing was kept, nothing was sent
            assert here.asked == []
            continue
        begun += 1
        async with here.server() as batches:
            await batches.take_over()
            if batch_id in batches.calls.running:
                await ended(batches.calls.running[batch_id])
        assert max(settled(here, batch_id).values()) == 1, f"killed at step {step}"
        under_way += len(here.asked) - len(ITEMS)
        rows = lines_of(here.project / "out.jsonl")
        assert [(row["index"], row["ok"]) for row in rows] == [(0, True), (1, True)]
    assert begun > 20
    assert under_way > 0  # it has seen attempts that were cut short, which are made again


def scene(folder: Path, schema: dict[str, Any] | None) -> Scene:
    folder.mkdir()
    return Scene(folder=folder, handlers={"groq": [echoes() if schema is None else answers('Here it is: ["4"]')]})
