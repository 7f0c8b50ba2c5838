"""`edit`: the answer is a patch of `files`, applied whole or not at all, and the director reads a receipt."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.answering.developer import CODE, block, develop, files_of
from tests.fakes.person import connected, facts_of, text_of
from tests.fakes.services import Answer, Services, fails, says, services

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
GOOD = block("    return 1", "    return 11")
ASKED = {"prompt": "one() must return 11", "files": ["src/a.py"], "edit": True}


@pytest.fixture
async def world() -> AsyncGenerator[Services]:
    async with services() as running:
        running.groq.answers = [says(GOOD)]
        yield running


@pytest.fixture
def project(world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return develop(tmp_path, monkeypatch, **world.groq_env)


def meanwhile(text: str, path: Path) -> Answer:
    """An answer during which somebody saves a file."""

    async def answer(request: Request) -> Response:
        await anyio.Path(path).write_text("somebody's own\n")
        return await says(text)(request)

    return answer


async def test_a_patch_is_applied_and_the_director_reads_files_lines_and_the_heart_of_the_diff(
    world: Services, project: Path
) -> None:
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED)
    facts = facts_of(result)
    assert (project / "src/a.py").read_text() == CODE.replace("return 1", "return 11")
    assert text_of(result) == (
        "Edited 1 file:\nsrc/a.py +1 -1\n\n@@ -1,5 +1,5 @@\n def one():\n-    return 1\n+    return 11\n"
        f" \n \n def two():\n\n[groq:gpt-oss-120b {facts['call_id']}]"
    )
    assert facts["edited"] == [{"path": "src/a.py", "state": "changed", "added": 1, "removed": 1}]
    assert facts["tries"] == 1
    assert "<<<<<<< SEARCH" in world.groq.bodies[0]["messages"][0]["content"]


async def test_a_patch_that_does_not_apply_is_told_to_the_same_model_which_tries_again(
    world: Services, project: Path
) -> None:
    world.groq.answers = [says(block("    return 7", "    return 11")), says(GOOD)]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED)
    assert (project / "src/a.py").read_text() == CODE.replace("return 1", "return 11")
    assert text_of(result).startswith("Edited 1 file (2 tries):\n")
    assert [attempt["outcome"] for attempt in facts_of(result)["attempts"]] == ["ok", "ok"]
    *_, said, told = world.groq.bodies[1]["messages"]
    assert (said["role"], said["content"]) == ("assistant", block("    return 7", "    return 11").rstrip())
    assert told["role"] == "user"
    assert "these lines are not in src/a.py: return 7" in told["content"]


async def test_after_the_last_try_nothing_is_changed_and_the_patch_is_kept(world: Services, project: Path) -> None:
    bad = block("    return 7", "    return 11")
    world.groq.answers = [says(bad)]
    before = files_of(project)
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED | {"tries": 2})
        call_id = facts_of(result)["call_id"]
        kept = await host.call_tool("delegate_result", {"call_id": call_id})
    assert result.is_error
    assert text_of(result) == (
        f"The patch does not apply (2 tries). The files are as they were. The answer is kept: delegate_result "
        f"{call_id}.\nthese lines are not in src/a.py: return 7."
    )
    assert len(world.groq.bodies) == 2
    assert files_of(project) == before
    assert text_of(kept).startswith(bad.rstrip())


@pytest.mark.parametrize(
    "second",
    [
        block("    return 7", "x", "src/b.py"),
        block("", "x", "../outside.py"),
        block("", "x", ".git/hooks/pre-commit"),
        block("", "x", ".env"),
        block("", "x", ".github/workflows/own.yml"),
        block("B = 1", "B = 2", "check.py"),
        "--- a/src/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-B = 1\n\nrename from src/b.py\n",
        block("", "x", "link/new.py"),
    ],
)
async def test_all_of_a_patch_is_applied_or_nothing(world: Services, project: Path, second: str) -> None:
    (project / "link").symlink_to(project.parent)
    world.groq.answers = [says(GOOD + second)]
    before = files_of(project)
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED | {"files": ["src/*.py"], "tries": 1})
    assert result.is_error
    assert "The files are as they were." in text_of(result)
    assert files_of(project) == before
    assert not (project.parent / "new.py").exists()


async def test_files_are_made_and_removed_too(world: Services, project: Path) -> None:
    world.groq.answers = [says(block("", "NEW = 1", "src/deep/new.py") + "*** Delete File: src/b.py\n")]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED | {"files": ["src/*.py"]})
    assert (project / "src/deep/new.py").read_text() == "NEW = 1\n"
    assert not (project / "src/b.py").exists()
    assert text_of(result).startswith("Edited 2 files:\nsrc/deep/new.py new +1 -0\nsrc/b.py removed +0 -1\n")


async def test_a_file_that_somebody_changed_meanwhile_stays_theirs_and_nobody_is_asked_again(
    world: Services, project: Path
) -> None:
    world.groq.answers = [meanwhile(GOOD + block("B = 1", "B = 2", "src/b.py"), project / "src/b.py")]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED | {"files": ["src/*.py"]})
    assert result.is_error
    assert "src/b.py changed since it was read: call again." in text_of(result)
    assert (project / "src/a.py").read_text() == CODE
    assert (project / "src/b.py").read_text() == "somebody's own\n"
    assert len(world.groq.bodies) == 1


async def test_an_answer_that_was_cut_is_not_applied(world: Services, project: Path) -> None:
    world.groq.answers = [says(GOOD + "src/b.py\n<<<<<<< SEARCH\nB", finish="length"), says(GOOD)]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED)
    assert "(2 tries)" in text_of(result)
    assert "cut at the output limit" in world.groq.last_prompt


async def test_the_diff_that_is_shown_grows_with_the_size_that_is_asked_for(world: Services, project: Path) -> None:
    world.groq.answers = [says(block("    return 1", "\n".join(f"    x{number} = {number}" for number in range(200))))]
    async with connected() as host:
        short = await host.call_tool("delegate_code", ASKED)
        (project / "src/a.py").write_text(CODE)
        long = await host.call_tool("delegate_code", ASKED | {"max_result_tokens": 3_000})
    assert "x9 = 9" in text_of(short)
    assert "x99 = 99" not in text_of(short)
    assert "…\n\n[" in text_of(short)
    assert "x199 = 199" in text_of(long)


async def test_where_the_model_cannot_be_asked_again_another_is_and_else_it_is_told(
    world: Services, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = fails(429, "Rate limit reached (TPM)", "rate_limit_exceeded", **{"retry-after": "600"})
    world.groq.answers = [says("no patch"), refusal]
    async with connected() as host:
        alone = await host.call_tool("delegate_code", ASKED)
    for name, value in (world.ollama_env | {"DELEGATE_MCP_HOME": str(project.parent / "another")}).items():
        monkeypatch.setenv(name, value)
    world.groq.answers = [says("no patch"), refusal]
    world.ollama.answers = [says(GOOD)]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED)
    assert alone.is_error
    assert "The patch does not apply. No model could be asked again." in text_of(alone)
    assert "return 11" in (project / "src/a.py").read_text()
    assert facts_of(result)["route"]["provider"] == "ollama"


async def test_for_a_model_that_has_no_room_right_now_is_waited_since_its_first_answer_would_be_lost(
    world: Services, project: Path
) -> None:
    refusal = fails(429, "Rate limit reached (TPM)", "rate_limit_exceeded", **{"retry-after": "0.05"})
    world.groq.answers = [says("no patch"), refusal, refusal, says(GOOD)]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED)
    assert text_of(result).startswith("Edited 1 file (2 tries):")


async def test_a_private_edit_asks_nobody_but_this_machine_however_often(
    world: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = develop(tmp_path, monkeypatch, **world.groq_env, **world.ollama_env)
    world.ollama.answers = [says("no patch"), says(GOOD)]
    async with connected() as host:
        result = await host.call_tool("delegate_private", ASKED)
    assert not result.is_error
    assert "return 11" in (project / "src/a.py").read_text()
    assert len(world.ollama.bodies) == 2
    assert world.groq.bodies == []


async def test_without_git_nothing_is_sent(world: Services, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project / "no-programs"))
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED)
    assert result.is_error
    assert "git is not installed" in text_of(result)
    assert world.groq.bodies == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"files": None}, "Name the files to change"),
        ({"save_to": "x.py"}, "give one of them"),
        ({"edit_in": "."}, "give one of them"),
        ({"json_schema": {"type": "object"}}, "json_schema"),
        ({"votes": 3}, "do not vote on patches"),
        ({"files": ["git:diff"]}, "git"),
    ],
)
async def test_what_does_not_go_with_it_is_told_before_anything_is_sent(
    world: Services, project: Path, more: dict[str, Any], why: str
) -> None:
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED | more)
    assert result.is_error
    assert why in text_of(result)
    assert world.groq.bodies == []


async def test_what_a_failed_edit_told_is_not_in_the_ledger(world: Services, project: Path) -> None:
    world.groq.answers = [says(block("    secret_name", "x"))]
    async with connected() as host:
        result = await host.call_tool("delegate_code", ASKED | {"tries": 1})
    assert "secret_name" in text_of(result)
    ledger = (project.parent / "person/delegate").glob("ledger.db*")
    assert not any(b"secret_name" in path.read_bytes() for path in ledger)
