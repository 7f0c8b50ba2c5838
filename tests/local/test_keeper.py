"""The keeper: one host at first use, shared, started again after a crash, gone at the end."""

import logging
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.local.keeper import HostAddress, Keeper
from delegate_mcp.platforms import pid_alive
from tests.fakes.local_person import MODEL, engine, keeper, own_model, starts

REPOSITORY = Path(__file__).parents[2]


async def until_gone(pid: int) -> None:
    with anyio.fail_after(10):
        while pid_alive(pid):  # noqa: ASYNC110 - the end of another process is no event here
            await anyio.sleep(0.01)


async def test_nothing_is_started_before_a_model_is_asked_for(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path)) as kept:
        assert [model.name for model in kept.models()] == [MODEL]
    assert starts(tmp_path) == []


async def test_first_callers_at_the_same_time_share_one_host(tmp_path: Path) -> None:
    addresses: list[HostAddress] = []
    async with aclosing(keeper(tmp_path)) as kept:

        async def ask() -> None:
            addresses.append(await kept.address(MODEL))

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(ask)
        assert await kept.address(MODEL) == addresses[0]
    assert len(addresses) == 4
    assert len(set(addresses)) == 1
    assert len(starts(tmp_path)) == 1


async def test_the_host_is_gone_after_aclose(tmp_path: Path) -> None:
    kept = keeper(tmp_path)
    await kept.address(MODEL)
    [start] = starts(tmp_path)
    assert pid_alive(start["pid"])
    await kept.aclose()
    assert not pid_alive(start["pid"])


async def test_after_aclose_nothing_is_started_any_more(tmp_path: Path) -> None:
    kept = keeper(tmp_path)
    await kept.aclose()
    with pytest.raises(ProviderError, match="shutting down"):
        await kept.address(MODEL)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL; there a job ends the host")
async def test_the_host_ends_when_the_server_process_is_killed(tmp_path: Path) -> None:
    server = (
        "import anyio, sys\n"
        "from pathlib import Path\n"
        "from tests.fakes.local_person import MODEL, keeper\n"
        "async def main():\n"
        "    await keeper(Path(sys.argv[1])).address(MODEL)\n"
        "    print('ready', flush=True)\n"
        "    await anyio.sleep_forever()\n"
        "anyio.run(main)\n"
    )
    argv = [sys.executable, "-c", server, str(tmp_path)]
    async with await anyio.open_process(argv, cwd=REPOSITORY, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert (await process.stdout.receive()).strip() == b"ready"
        process.kill()
        await process.wait()
    await until_gone(starts(tmp_path)[0]["pid"])


async def test_a_host_that_ended_between_two_calls_is_started_again_and_the_reason_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with aclosing(keeper(tmp_path)) as kept:
        first = await kept.address(MODEL)
        os.kill(starts(tmp_path)[0]["pid"], signal.SIGTERM)
        assert "ended" in (await kept.ending(MODEL, first) or "")
        with caplog.at_level(logging.WARNING):
            second = await kept.address(MODEL)
    assert second != first
    assert len(starts(tmp_path)) == 2
    assert f"{MODEL} ended by SIGTERM" in caplog.text or sys.platform == "win32"


async def test_a_living_host_has_no_ending(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path)) as kept:
        assert await kept.ending(MODEL, await kept.address(MODEL)) is None


async def test_a_model_that_cannot_be_loaded_is_told_with_the_engines_first_error(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path, "cannot-load")) as kept:
        with pytest.raises(ProviderError, match=r"own-model.gguf: gguf: invalid magic \(ended with exit code 3\)"):
            await kept.address(MODEL)


async def test_a_model_that_does_not_load_in_time_is_given_up_and_its_process_ended(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path, "never-ready", start_timeout_s=0.0)) as kept:
        with pytest.raises(ProviderError) as caught:
            await kept.address(MODEL)
    assert caught.value.kind is ErrorKind.TIMEOUT
    for start in starts(tmp_path):
        assert not pid_alive(start["pid"])


async def test_a_caller_that_is_cancelled_leaves_the_start_to_the_next(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path)) as kept:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await kept.address(MODEL)
        assert scope.cancelled_caught
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(kept.address, MODEL)
                with anyio.fail_after(10):
                    while not starts(tmp_path):  # noqa: ASYNC110 - a file that another process writes
                        await anyio.sleep(0.005)
                tasks.cancel_scope.cancel()
        await kept.address(MODEL)
    assert len(starts(tmp_path)) == 1


async def test_closing_ends_a_start_under_way_and_its_caller_hears_of_it(tmp_path: Path) -> None:
    kept = keeper(tmp_path, "never-ready")
    errors: list[ProviderError] = []

    async def ask() -> None:
        try:
            await kept.address(MODEL)
        except ProviderError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        with anyio.fail_after(10):
            while not starts(tmp_path):  # noqa: ASYNC110 - a file that another process writes
                await anyio.sleep(0.005)
        await kept.aclose()
    assert len(errors) == 1
    assert not pid_alive(starts(tmp_path)[0]["pid"])


async def test_the_secret_is_in_no_argv_and_no_variable_and_not_shown(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path)) as kept:
        address = await kept.address(MODEL)
    [start] = starts(tmp_path)
    assert address.secret == start["order"]["secret"]
    assert len(address.secret) >= 32
    assert address.secret not in str(start["argv"]) + str(start["environ"]) + repr(address)


async def test_the_host_gets_nobodys_keys(tmp_path: Path) -> None:
    environ = {"GROQ_API_KEY": "gsk_x", "HF_TOKEN": "hf_x", "DB_PASSWORD": "p", "CUDA_VISIBLE_DEVICES": "0"}
    async with aclosing(keeper(tmp_path, environ=environ)) as kept:
        await kept.address(MODEL)
    given = starts(tmp_path)[0]["environ"]
    assert given["CUDA_VISIBLE_DEVICES"] == "0"
    assert not set(given) & {"GROQ_API_KEY", "HF_TOKEN", "DB_PASSWORD"}


async def test_the_host_is_ordered_as_the_settings_say(tmp_path: Path) -> None:
    async with aclosing(keeper(tmp_path)) as kept:
        await kept.address(MODEL)
    order = starts(tmp_path)[0]["order"]
    assert order["model"] == str(tmp_path / f"{MODEL}.gguf")
    assert (order["name"], order["context_tokens"], order["gpu_layers"]) == (MODEL, 1_000, 0)
    assert order["slots"] > 1


async def test_an_engine_that_is_not_installed_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    async with aclosing(Keeper(own_model(tmp_path), tmp_path, {}, engines=[])) as kept:
        with pytest.raises(ProviderError, match=r"pip install 'delegate-mcp\[local\]'"):
            await kept.address(MODEL)


async def test_a_model_without_a_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    settings = own_model(tmp_path)
    (tmp_path / f"{MODEL}.gguf").unlink()
    async with aclosing(Keeper(settings, tmp_path, {}, engines=[engine("answers")])) as kept:
        with pytest.raises(ProviderError, match=r"set local\.model to a GGUF file"):
            await kept.address(MODEL)
