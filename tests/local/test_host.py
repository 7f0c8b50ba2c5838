"""The one model host of a machine: server processes that start it, share it, leave it, and find it dead or foreign."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import Process

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.local import control
from delegate_mcp.local.runtime_dir import HostState, RuntimeDir
from delegate_mcp.platforms import end_process, process_started, runtime_dir, start_process
from tests.fakes.local_person import (
    MODEL,
    environment,
    keeper,
    lives,
    make_keeper,
    no_host_left,
    own_model,
    starts,
    until_gone,
)

REPOSITORY = Path(__file__).parents[2]
SERVER = """
import anyio, json, sys
from pathlib import Path
from tests.fakes.local_person import MODEL, make_keeper
async def main():
    kept = make_keeper(Path(sys.argv[1]), sys.argv[2])
    async def ask():
        async with kept.using(MODEL) as use:
            print(json.dumps(use.address.base_url), flush=True)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        tasks.start_soon(ask)
    await anyio.sleep_forever()
anyio.run(main)
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of files and no SIGKILL")


def place(folder: Path) -> RuntimeDir:
    return RuntimeDir(runtime_dir(environment(folder)))


async def the_state(folder: Path) -> HostState:
    state = place(folder).read()
    assert state is not None
    return state


@asynccontextmanager
async def server(folder: Path) -> AsyncGenerator[tuple[Process, list[str]]]:
    """A server process that asks twice at once, and what it was told when it was started."""
    told: list[str] = []
    argv = [sys.executable, "-c", SERVER, str(folder), "answers"]
    process = await start_process(argv, env=os.environ, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    try:
        yield process, told
    finally:
        await end_process(process)


async def hear(process: Process, told: list[str]) -> None:
    assert process.stdout is not None
    said = b""
    with anyio.fail_after(30):
        while said.count(b"\n") < 2:
            said += await process.stdout.receive()
    told += [json.loads(line) for line in said.splitlines()]


async def test_eight_callers_of_four_servers_that_start_at_once_share_one_host_and_one_engine(tmp_path: Path) -> None:
    async with no_host_left(tmp_path), AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(server(tmp_path)) for _ in range(4)]
        async with anyio.create_task_group() as tasks:
            for process, told in servers:
                tasks.start_soon(hear, process, told)
        addresses = [address for _, told in servers for address in told]
        assert len(addresses) == 8
        assert len(set(addresses)) == 1
        assert len(starts(tmp_path)) == 1
        [status] = await control.status(environment(tmp_path), time.time())
        assert set(status.users) == {process.pid for process, _ in servers}
        assert [model.pid for model in status.models] == [starts(tmp_path)[0]["pid"]]


@posix
async def test_the_host_and_its_engine_end_within_5_s_of_the_last_server_however_that_ends(tmp_path: Path) -> None:
    async with no_host_left(tmp_path), AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(server(tmp_path)) for _ in range(2)]
        for process, told in servers:
            await hear(process, told)
        host, engine = (await the_state(tmp_path)).pid, starts(tmp_path)[0]["pid"]
        servers[0][0].kill()
        await servers[0][0].wait()
        assert lives(host)
        servers[1][0].kill()
        await servers[1][0].wait()
        await until_gone(engine, within_s=5.0)
        await until_gone(host, within_s=1.0)
        assert place(tmp_path).read() is None


async def test_an_idle_host_ends_and_the_next_call_starts_another(tmp_path: Path) -> None:
    async with keeper(tmp_path, idle_minutes=0.2 / 60) as kept:
        async with kept.using(MODEL):
            first = await the_state(tmp_path)
        await until_gone(first.pid, within_s=5.2)
        assert not lives(starts(tmp_path)[0]["pid"])
        async with kept.using(MODEL) as use:
            assert use.note == ""
            assert (await the_state(tmp_path)).pid != first.pid


async def test_a_model_in_use_is_not_idle(tmp_path: Path) -> None:
    async with keeper(tmp_path, idle_minutes=0.01 / 60) as kept, kept.using(MODEL):
        await anyio.sleep(0.6)  # two looks of the host at its clock
        assert lives((await the_state(tmp_path)).pid)


@posix
async def test_a_host_that_is_killed_leaves_no_engine_and_is_started_again_by_the_next_call(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept:
        async with kept.using(MODEL) as use:
            first = await the_state(tmp_path)
            os.kill(first.pid, signal.SIGKILL)
            assert await use.ending() == "the model host ended"
        await until_gone(starts(tmp_path)[0]["pid"])
        async with kept.using(MODEL):
            assert (await the_state(tmp_path)).pid != first.pid
    assert len(starts(tmp_path)) == 2


@posix
async def test_a_host_that_no_longer_answers_is_ended_and_replaced(tmp_path: Path) -> None:
    async with no_host_left(tmp_path):
        one, other = make_keeper(tmp_path), make_keeper(tmp_path)
        async with one.using(MODEL):
            stopped = await the_state(tmp_path)
            os.kill(stopped.pid, signal.SIGSTOP)
            async with other.using(MODEL):
                assert (await the_state(tmp_path)).pid != stopped.pid
            assert not lives(stopped.pid)
        await one.aclose()
        await other.aclose()


async def test_a_host_of_another_protocol_is_replaced(tmp_path: Path) -> None:
    async with no_host_left(tmp_path):
        one, other = make_keeper(tmp_path), make_keeper(tmp_path)
        async with one.using(MODEL):
            older = await the_state(tmp_path)
            place(tmp_path).write(replace(older, protocol=0))
            async with other.using(MODEL):
                assert (await the_state(tmp_path)).pid != older.pid
            await until_gone(older.pid)
        await one.aclose()
        await other.aclose()


@pytest.mark.parametrize("what", ["dead", "another program", "no JSON", "other fields"])
async def test_a_state_that_was_left_behind_is_replaced_and_nobody_is_harmed(tmp_path: Path, what: str) -> None:
    left = place(tmp_path)
    # Its id has been given to another process meanwhile: this one.
    pid = 2**22 + 1 if what == "dead" else os.getpid()
    state = HostState(
        protocol=1, version="0", pid=pid, pid_started=process_started(pid), port=9, secret="old", started_at=0.0
    )
    left.write(state)
    if what in {"no JSON", "other fields"}:
        left.state_file.write_text("{" if what == "no JSON" else '{"pid": 1}', encoding="utf-8")
    async with keeper(tmp_path) as kept, kept.using(MODEL):
        assert (await the_state(tmp_path)).pid not in {pid, os.getpid()}


@posix
async def test_a_state_that_others_can_read_is_refused(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept:
        async with kept.using(MODEL):
            pass
        (runtime_dir(environment(tmp_path)) / "host.json").chmod(0o644)
        newcomer = make_keeper(tmp_path)
        with pytest.raises(ProviderError, match=r"host.json belongs to another user or others may read it"):
            async with newcomer.using(MODEL):
                pass
        (runtime_dir(environment(tmp_path)) / "host.json").chmod(0o600)


@posix
async def test_a_link_in_place_of_the_state_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}", encoding="utf-8")
    elsewhere.chmod(0o600)
    place(tmp_path).state_file.symlink_to(elsewhere)
    kept = make_keeper(tmp_path)
    with pytest.raises(ProviderError, match="cannot be opened"):
        async with kept.using(MODEL):
            pass


@posix
@pytest.mark.parametrize("how", ["open to others", "a link"])
async def test_a_directory_that_is_not_private_is_refused(tmp_path: Path, how: str) -> None:
    directory = runtime_dir(environment(tmp_path))
    if how == "a link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        directory.symlink_to(tmp_path / "theirs")
    else:
        directory.mkdir()
        directory.chmod(0o755)
    kept = make_keeper(tmp_path)
    with pytest.raises(ProviderError, match="not a directory that only you may enter"):
        async with kept.using(MODEL):
            pass
    assert starts(tmp_path) == []


@posix
async def test_all_that_it_leaves_on_disk_is_private_and_holds_no_prompt(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept, kept.using(MODEL) as use, httpx.AsyncClient(trust_env=False) as client:
        directory = runtime_dir(environment(tmp_path))
        body = {"model": MODEL, "messages": [{"role": "user", "content": "the word is swordfish"}]}
        for base_url in (use.address.base_url, f"http://127.0.0.1:{(await the_state(tmp_path)).port}/v1"):
            answer = await client.post(
                f"{base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {use.address.secret}"}
            )
            assert answer.status_code == 200
        assert directory.stat().st_mode & 0o777 == 0o700
        files = [file for file in directory.iterdir() if file.is_file()]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert b"swordfish" not in b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize("given", [None, "Bearer wrong"])
async def test_without_its_secret_neither_host_nor_engine_answers(tmp_path: Path, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    async with keeper(tmp_path) as kept, kept.using(MODEL) as use, httpx.AsyncClient(trust_env=False) as client:
        base = f"http://127.0.0.1:{(await the_state(tmp_path)).port}"
        for method, url in (
            ("GET", f"{base}/status"),
            ("POST", f"{base}/register"),
            ("POST", f"{base}/load"),
            ("POST", f"{base}/stop"),
            ("GET", f"{base}/v1/models"),
            ("POST", f"{base}/v1/chat/completions"),
        ):
            assert (await client.request(method, url, headers=headers)).status_code == 401
        if given is not None:
            asked = await client.post(f"{use.address.base_url}/chat/completions", headers=headers, json={})
            assert asked.status_code == 401
        assert lives((await the_state(tmp_path)).pid)


async def test_other_programs_of_the_user_can_use_it_as_an_openai_service(tmp_path: Path) -> None:
    async with keeper(tmp_path) as kept:
        await kept.host.connect()
        state = await the_state(tmp_path)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{state.port}/v1/",
            headers={"Authorization": f"Bearer {state.secret}"},
            trust_env=False,
        ) as client:
            assert [row["id"] for row in (await client.get("models")).json()["data"]] == [MODEL]
            assert starts(tmp_path) == []
            answer = await client.post("chat/completions", json={"model": MODEL, "messages": []})
            assert json.loads(answer.json()["choices"][0]["message"]["content"])["model"] == MODEL
            unknown = await client.post("chat/completions", json={"model": "other", "messages": []})
            assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "model_not_found")
            assert (await client.post("chat/completions", content=b"[]")).status_code == 400
            assert (await client.get("files")).status_code == 404


async def test_it_is_seen_and_ended_by_its_user(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    assert await control.status(environ, time.time()) == []
    assert not await control.stop(environ)
    async with keeper(tmp_path) as kept:
        async with kept.using(MODEL):
            [status] = await control.status(environ, time.time())
            assert status.users == (os.getpid(),)
            assert status.idle_since is None
            assert (status.engine, status.models[0].name, status.models[0].uses) == ("xllamacpp", MODEL, 1)
        assert status.secret not in repr(status)
        assert await control.stop(environ)
        assert not lives(status.pid)
        assert not lives(starts(tmp_path)[0]["pid"])
        assert await control.status(environ, time.time()) == []


async def test_who_serves_it_keeps_it_up_though_it_is_idle_until_it_is_stopped(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    told: list[tuple[str, Path]] = []
    ended: list[str] = []
    settings = own_model(tmp_path, idle_minutes=0.01 / 60)
    async with no_host_left(tmp_path), anyio.create_task_group() as tasks:

        async def serve() -> None:
            ended.append(await control.serve(settings, tmp_path, environ, lambda url, file: told.append((url, file))))

        tasks.start_soon(serve)
        with anyio.fail_after(10):
            while not told:  # noqa: ASYNC110 - the callback of another task
                await anyio.sleep(0.01)
        await anyio.sleep(0.6)  # two looks of the host at its clock
        [status] = await control.status(environ, time.time())
        assert told == [(status.base_url, place(tmp_path).state_file)]
        assert not ended
        await control.stop(environ)
    assert ended == ["the model host ended"]
