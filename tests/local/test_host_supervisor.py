"""What the host holds: who makes room for whom, who waits, what is refused, when it is over. Time and room are made."""

import json
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from delegate_mcp.local.engine_child import LoadError
from delegate_mcp.local.engines import BY_NAME, Engine, Order
from delegate_mcp.local.footprint import Fit
from delegate_mcp.local.room import Held
from delegate_mcp.local.supervisor import InUse, Supervisor, User
from tests.fakes.local_person import MODULES, lives, starts

ENGINE = BY_NAME["xllamacpp"]
ENVIRON = {**os.environ, "PYTHONPATH": str(MODULES)}


@dataclass
class MadeRoom:
    """A machine with room for so many units; a model takes as many as its name says. Layers go onto a GPU of `gpu`."""

    ram: int = 10
    gpu: int = 0
    plans: list[str] = field(default_factory=list[str])

    async def plan(self, engine: Engine, order: Order, *, staying: Held, going: Held) -> Fit | None:
        await anyio.lowlevel.checkpoint()
        self.plans.append(order.name)
        size = int(order.name.rpartition("-")[2])
        free = self.ram - staying.ram
        on_gpu = min(size, self.gpu - staying.vram)
        refusal = None if size <= free else f"{order.name} does not fit: {size} of {free}. Use a smaller model."
        return Fit(gpu_layers=on_gpu, bytes_vram=on_gpu, bytes_ram=size, refusal=refusal)


@dataclass
class Time:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def supervisor(
    room: MadeRoom | None = None, clock: Time | None = None, load_timeout_s: float = 60.0
) -> AsyncGenerator[Supervisor]:
    made = Supervisor(room or MadeRoom(), ENVIRON, clock or Time(), load_timeout_s=load_timeout_s)
    async with made:
        yield made


def order(folder: Path, name: str, behaviour: str = "answers", context_tokens: int = 100) -> Order:
    file = folder / f"{name}.gguf"
    file.write_text(f"GGUF {behaviour}", encoding="utf-8")
    return Order(
        model=str(file), name=name, secret="s", context_tokens=context_tokens, slots=2, gpu_layers=-1, threads=None
    )


async def use(held: Supervisor, wanted: Order) -> InUse:
    """Use it for a moment."""
    async with held.using(ENGINE, wanted) as used:
        return used


def loaded(held: Supervisor) -> list[str]:
    return sorted(model.order.name for model in held.models)


async def soon(condition: object) -> None:
    assert callable(condition)
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - another process does it
            await anyio.sleep(0.005)


# --- Room ------------------------------------------------------------------------------------------------------------


async def test_models_that_fit_are_held_side_by_side(tmp_path: Path) -> None:
    async with supervisor() as held:
        first = await use(held, order(tmp_path, "a-4"))
        await use(held, order(tmp_path, "b-6"))
        assert loaded(held) == ["a-4", "b-6"]
        assert (await use(held, order(tmp_path, "a-4"))).model is first.model


async def test_the_least_recently_used_idle_model_makes_room(tmp_path: Path) -> None:
    clock = Time()
    async with supervisor(clock=clock) as held:
        for name in ("a-3", "b-3", "c-3", "a-3"):
            clock.now += 1
            await use(held, order(tmp_path, name))
        clock.now += 1
        await use(held, order(tmp_path, "d-4"))
        assert loaded(held) == ["a-3", "c-3", "d-4"]
    assert not lives(starts(tmp_path, "b-3")[0]["pid"])


async def test_a_model_in_use_does_not_make_room_and_who_needs_it_waits(tmp_path: Path) -> None:
    async with supervisor() as held, anyio.create_task_group() as tasks:
        done: list[str] = []

        async def ask(name: str) -> None:
            await use(held, order(tmp_path, name))
            done.append(name)

        async with held.using(ENGINE, order(tmp_path, "a-7")):
            tasks.start_soon(ask, "b-7")
            await anyio.wait_all_tasks_blocked()
            assert loaded(held) == ["a-7"]
            tasks.start_soon(ask, "a-7")  # came after b: steady use must not keep b out
            await anyio.wait_all_tasks_blocked()
            assert done == []
        await soon(lambda: done == ["b-7", "a-7"])


async def test_who_waits_for_room_and_leaves_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with supervisor() as held, held.using(ENGINE, order(tmp_path, "a-7")):
        with anyio.move_on_after(0.2):
            await use(held, order(tmp_path, "b-7"))
        with anyio.fail_after(10):
            assert (await use(held, order(tmp_path, "a-7"))).model.uses == 1
        assert starts(tmp_path, "b-7") == []


async def test_what_cannot_fit_even_alone_is_refused_with_the_numbers_and_nothing_goes_for_it(tmp_path: Path) -> None:
    async with supervisor() as held:
        await use(held, order(tmp_path, "a-4"))
        with pytest.raises(LoadError, match=r"b-11 does not fit: 11 of 10\. Use a smaller model") as caught:
            await use(held, order(tmp_path, "b-11"))
        assert caught.value.kind == "refused"
        assert loaded(held) == ["a-4"]


async def test_an_idle_model_goes_where_the_new_one_gets_more_of_the_gpu(tmp_path: Path) -> None:
    async with supervisor(MadeRoom(ram=100, gpu=8)) as held:
        await use(held, order(tmp_path, "a-6"))
        used = await use(held, order(tmp_path, "b-6"))
        assert loaded(held) == ["b-6"]
        assert used.model.fit is not None
        assert used.model.fit.gpu_layers == 6
    assert starts(tmp_path, "b-6")[0]["params"]["n_gpu_layers"] == 6


async def test_a_longer_context_loads_the_model_anew_and_a_shorter_one_does_not(tmp_path: Path) -> None:
    async with supervisor() as held:
        await use(held, order(tmp_path, "a-4", context_tokens=100))
        await use(held, order(tmp_path, "a-4", context_tokens=200))
        await use(held, order(tmp_path, "a-4", context_tokens=150))
    assert [start["params"]["n_ctx"] for start in starts(tmp_path, "a-4")] == [200, 400]


async def test_an_engine_that_answers_one_at_a_time_is_not_counted_with_more_slots(tmp_path: Path) -> None:
    async with supervisor() as held, held.using(replace(ENGINE, slots=1), order(tmp_path, "a-4")) as used:
        assert used.model.order.slots == 1


# --- Loading ---------------------------------------------------------------------------------------------------------


async def test_callers_who_come_while_it_loads_share_the_load(tmp_path: Path) -> None:
    async with supervisor() as held, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(use, held, order(tmp_path, "a-4"))
    assert len(starts(tmp_path, "a-4")) == 1


async def test_a_caller_who_leaves_while_it_loads_leaves_the_load_to_the_others(tmp_path: Path) -> None:
    async with supervisor() as held, anyio.create_task_group() as tasks:
        wanted = order(tmp_path, "a-4")
        with anyio.CancelScope() as first:
            async with anyio.create_task_group() as leaving:
                leaving.start_soon(use, held, wanted)
                tasks.start_soon(use, held, wanted)
                await soon(lambda: starts(tmp_path, "a-4"))
                first.cancel()
        await soon(lambda: loaded(held) == ["a-4"])
    assert len(starts(tmp_path, "a-4")) == 1


async def test_a_model_that_does_not_load_in_time_is_given_up_and_its_process_ended(tmp_path: Path) -> None:
    async with supervisor(load_timeout_s=0.3) as held:
        with pytest.raises(LoadError, match=r"did not load a-4\.gguf in 0 s") as caught:
            await use(held, order(tmp_path, "a-4", "never-ready"))
        assert caught.value.kind == "timeout"
        assert not any(lives(start["pid"]) for start in starts(tmp_path, "a-4"))


async def test_a_failed_load_is_told_to_all_who_wait_and_does_not_hinder_other_models(tmp_path: Path) -> None:
    async with supervisor() as held:
        told: list[str] = []

        async def ask() -> None:
            with pytest.raises(LoadError) as caught:
                await use(held, order(tmp_path, "bad-1", "cannot-load"))
            told.append(caught.value.kind)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            tasks.start_soon(ask)
        assert told == ["failed", "failed"]
        await use(held, order(tmp_path, "a-4"))
        assert loaded(held) == ["a-4"]


async def test_an_engine_that_crashes_costs_its_own_model_only_and_is_told_once(tmp_path: Path) -> None:
    async with supervisor() as held:
        other = await use(held, order(tmp_path, "b-4"))
        async with held.using(ENGINE, order(tmp_path, "a-4")) as used:
            used.model.child.process.kill()
            with anyio.fail_after(10):
                await used.model.ended.wait()
        assert loaded(held) == ["b-4"]
        assert (await use(held, order(tmp_path, "a-4"))).note.startswith("ended")
        assert (await use(held, order(tmp_path, "a-4"))).note == ""
        assert (await use(held, order(tmp_path, "b-4"))).model is other.model


async def test_every_engine_ends_with_it(tmp_path: Path) -> None:
    async with supervisor() as held:
        await use(held, order(tmp_path, "a-4"))
        await use(held, order(tmp_path, "b-4"))
    assert not any(lives(start["pid"]) for name in ("a-4", "b-4") for start in starts(tmp_path, name))


# --- Its end ---------------------------------------------------------------------------------------------------------


async def test_it_is_over_a_moment_after_its_last_user_has_gone() -> None:
    clock = Time()
    async with supervisor(clock=clock) as held:
        async with held.used_by(User(pid=1, idle_s=900)):
            clock.now += 500
            async with held.used_by(User(pid=2, idle_s=900)):
                pass
            assert held.over() is None
        clock.now += 1
        assert held.over() is None  # a command that follows a command finds its model loaded
        clock.now += 3
        assert held.over() == "its last user is gone"


async def test_it_is_over_when_nobody_comes_at_all() -> None:
    clock = Time()
    async with supervisor(clock=clock) as held:
        assert held.over() is None
        clock.now += 4
        assert held.over() == "its last user is gone"


async def test_it_is_over_when_it_was_idle_for_as_long_as_its_most_patient_user_allows(tmp_path: Path) -> None:
    clock = Time()
    async with supervisor(clock=clock) as held, held.used_by(User(pid=1, idle_s=900)):
        less_patient = held.used_by(User(pid=2, idle_s=60))
        async with less_patient, held.using(ENGINE, order(tmp_path, "a-4")):
            clock.now += 5_000
            assert held.over() is None
        clock.now += 899
        assert held.over() is None
        clock.now += 1
        assert held.over() == "idle"


async def test_it_is_not_over_while_somebody_keeps_it() -> None:
    clock = Time()
    async with supervisor(clock=clock) as held, held.used_by(User(pid=1, idle_s=60, keeps=True)):
        clock.now += 100_000
        assert held.over() is None


async def test_a_load_that_nobody_waits_for_keeps_nothing_up(tmp_path: Path) -> None:
    clock = Time()
    async with supervisor(clock=clock) as held:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(use, held, order(tmp_path, "a-4", "never-ready"))
                await soon(lambda: starts(tmp_path, "a-4"))
                scope.cancel()
        clock.now += 10
        assert held.over() == "its last user is gone"
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert not lives(json.loads((tmp_path / "a-4.started").read_text(encoding="utf-8"))["pid"])
