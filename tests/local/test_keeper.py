"""The keeper: models of this server, had from the machine's host at first use, let go of at the end."""

import logging
import os
import signal
from pathlib import Path

import anyio
import pytest

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.local.host_client import HostAddress
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.platforms import runtime_dir
from tests.fakes.local_person import (
    ENGINE,
    MODEL,
    environment,
    keeper,
    make_keeper,
    no_host_left,
    own_model,
    starts,
    until_gone,
)


async def test_nothing_is_started_before_a_model_is_asked_for(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept:
        assert [model.name for model in kept.models()] == [MODEL]
        assert not runtime_dir(environment(tmp_path)).exists()
    assert starts(tmp_path) == []


async def test_first_callers_at_the_same_time_share_one_engine(tmp_path: Path) -> None:
    addresses: list[HostAddress] = []
    async with keeper(tmp_path) as kept:

        async def ask() -> None:
            async with kept.using(MODEL) as use:
                addresses.append(use.address)

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(ask)
        async with kept.using(MODEL) as use:
            assert use.address == addresses[0]
            assert use.note == ""
    assert len(addresses) == 4
    assert len(set(addresses)) == 1
    assert len(starts(tmp_path)) == 1


async def test_after_aclose_nothing_is_started_any_more(tmp_path: Path) -> None:
    kept = make_keeper(tmp_path)
    await kept.aclose()
    with pytest.raises(ProviderError, match="shutting down"):
        async with kept.using(MODEL):
            pass
    assert starts(tmp_path) == []


async def test_an_engine_that_ended_between_two_calls_is_started_again_and_the_reason_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with keeper(tmp_path) as kept:
        async with kept.using(MODEL) as use:
            assert await use.ending() is None
            os.kill(starts(tmp_path)[0]["pid"], signal.SIGTERM)
            assert (await use.ending() or "").startswith("the local engine ended")
        with caplog.at_level(logging.WARNING):
            async with kept.using(MODEL) as again:
                assert again.note.startswith("ended")
                assert again.address.base_url != use.address.base_url
        async with kept.using(MODEL) as third:
            assert third.note == ""  # told once
    assert len(starts(tmp_path)) == 2
    assert f"{MODEL} ended" in caplog.text


async def test_a_model_that_cannot_be_loaded_is_told_with_the_engines_first_error(tmp_path: Path) -> None:
    async with keeper(tmp_path, "cannot-load") as kept:
        with pytest.raises(ProviderError, match=r"own-model.gguf: gguf: invalid magic \(ended with exit code 3\)"):
            async with kept.using(MODEL):
                pass


async def test_a_caller_that_is_cancelled_leaves_no_start_behind_that_others_must_wait_for(tmp_path: Path) -> None:
    async with keeper(tmp_path, "never-ready") as kept:

        async def ask() -> None:
            async with kept.using(MODEL):
                pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            with anyio.fail_after(10):
                while not starts(tmp_path):  # noqa: ASYNC110 - a file that another process writes
                    await anyio.sleep(0.005)
            tasks.cancel_scope.cancel()
        link = await kept.host.connect()
        talk = await link.ask("GET", "/status")
        assert await talk.line()  # it answers while the engine goes on loading for the next
        await talk.aclose()
    await until_gone(starts(tmp_path)[0]["pid"])


async def test_closing_lets_a_caller_that_waits_for_a_start_hear_of_it(tmp_path: Path) -> None:
    async with no_host_left(tmp_path):
        kept = make_keeper(tmp_path, "never-ready")
        errors: list[ProviderError] = []

        async def ask() -> None:
            try:
                async with kept.using(MODEL):
                    pass
            except ProviderError as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            with anyio.fail_after(10):
                while not starts(tmp_path):  # noqa: ASYNC110 - a file that another process writes
                    await anyio.sleep(0.005)
            await kept.aclose()
    assert len(errors) == 1
    await until_gone(starts(tmp_path)[0]["pid"])


async def test_the_secret_is_in_no_argv_and_no_variable_and_not_shown(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept, kept.using(MODEL) as use:
        [start] = starts(tmp_path)
        assert [use.address.secret] == start["params"]["api_keys"]
        assert len(use.address.secret) >= 32
        assert use.address.secret not in str(start["argv"]) + str(start["environ"]) + repr(use)


async def test_the_host_gets_nobodys_keys(tmp_path: Path) -> None:
    environ = {"GROQ_API_KEY": "gsk_x", "HF_TOKEN": "hf_x", "DB_PASSWORD": "p", "CUDA_VISIBLE_DEVICES": "0"}
    async with keeper(tmp_path, environ=environ) as kept, kept.using(MODEL):
        given = starts(tmp_path)[0]["environ"]
    assert given["CUDA_VISIBLE_DEVICES"] == "0"
    assert not set(given) & {"GROQ_API_KEY", "HF_TOKEN", "DB_PASSWORD"}


async def test_the_engine_is_ordered_as_the_settings_say(tmp_path: Path) -> None:
    async with keeper(tmp_path, slots=3) as kept, kept.using(MODEL):
        params = starts(tmp_path)[0]["params"]
    assert params["model.path"] == str(tmp_path / f"{MODEL}.gguf")
    assert params["model_alias"] == [MODEL]
    assert (params["n_ctx"], params["n_parallel"], params["n_gpu_layers"]) == (3_000, 3, 0)


async def test_an_engine_that_is_not_installed_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    kept = Keeper(own_model(tmp_path), tmp_path, environment(tmp_path), engines=[])
    with pytest.raises(ProviderError, match=r"pip install 'delegate-mcp\[local\]'"):
        async with kept.using(MODEL):
            pass


async def test_an_engine_that_is_named_and_not_installed_is_told_with_its_own(tmp_path: Path) -> None:
    settings = own_model(tmp_path, engine="llama-server")
    kept = Keeper(settings, tmp_path, {**environment(tmp_path), "PATH": str(tmp_path)})
    with pytest.raises(ProviderError, match="so that `llama-server` is on PATH"):
        async with kept.using(MODEL):
            pass


async def test_a_model_without_a_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    settings = own_model(tmp_path)
    (tmp_path / f"{MODEL}.gguf").unlink()
    kept = Keeper(settings, tmp_path, environment(tmp_path), engines=[ENGINE])
    with pytest.raises(ProviderError, match=r"set local\.model to a GGUF file") as caught:
        async with kept.using(MODEL):
            pass
    assert caught.value.kind is ErrorKind.NETWORK
