"""`delegate-mcp local`: as a person uses it, with a home of their own."""

import argparse
import io
import json
from pathlib import Path

import pytest

from delegate_mcp.cli import local
from delegate_mcp.cli.progress import Bar
from delegate_mcp.domain.errors import InputError, ModelFetchError
from tests.fakes.gguf import write_model
from tests.fakes.local_person import MODEL, MODULES, lives, no_host_left, own_model


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DELEGATE_MCP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DELEGATE_MCP_CACHE", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    local.add_arguments(parser)
    return await local.run(parser.parse_args(words))


async def test_a_file_is_pulled_listed_and_removed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = write_model(home / "Tiny.gguf")
    assert await command("pull", str(own)) == 0
    out, err = capsys.readouterr()
    there = home / "home" / "cache" / "Tiny.gguf"
    assert out.strip() == str(there)
    assert there.read_bytes() == own.read_bytes()
    assert "Licence: mit" in err
    assert await command("list") == 0
    listed = capsys.readouterr().out
    assert [line.split()[:2] for line in listed.splitlines() if line.startswith("tiny")] == [["tiny", "here"]]
    assert "qwen3-coder-30b-a3b" in listed
    assert await command("rm", "tiny") == 0
    assert not there.exists()
    assert own.exists()


async def test_the_list_is_there_for_programs_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await command("pull", str(write_model(home / "Tiny.gguf")))
    capsys.readouterr()
    await command("list", "--json")
    rows = {row["model"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tiny"]["licence"] == "mit"
    assert rows["tiny"]["file"]
    assert rows["ministral-3-3b"]["file"] is None
    assert rows["ministral-3-3b"]["good_for"]


async def test_what_was_not_pulled_is_not_removed(home: Path) -> None:
    await command("pull", str(write_model(home / "Tiny.gguf")))
    with pytest.raises(InputError, match=r"No model 'tiny2' was pulled. Pulled: tiny"):
        await command("rm", "tiny2")


async def test_a_file_that_is_no_model_is_not_pulled(home: Path) -> None:
    (home / "a.gguf").write_bytes(b"no")
    with pytest.raises(ModelFetchError):
        await command("pull", "a.gguf")


async def test_a_machine_without_a_host_says_so_and_has_nothing_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert await command("status") == 0
    assert "No model host runs" in capsys.readouterr().out
    assert await command("status", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert await command("stop") == 0
    assert "No model host runs" in capsys.readouterr().out


async def test_a_model_that_is_not_here_cannot_be_measured() -> None:
    with pytest.raises(InputError, match="`delegate-mcp local pull` fetches one"):
        await command("bench")


async def test_a_model_is_measured_through_the_host_that_status_shows_and_stop_ends(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(MODULES)  # pyright: ignore[reportUnknownMemberType] - pytest leaves its type out
    for name, value in {
        "PYTHONPATH": str(MODULES),
        "DELEGATE_MCP_LOCAL__ENGINE": "xllamacpp",
        "DELEGATE_MCP_LOCAL__MODEL": str(own_model(home).model),
        "DELEGATE_MCP_LOCAL__CONTEXT_TOKENS": "1000",
    }.items():
        monkeypatch.setenv(name, value)
    async with no_host_left(home / "home"):
        assert await command("bench", "--json") == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["model"], facts["output_tokens_per_second"]) == (MODEL, 120.0)
        assert facts["output_tokens_per_second_of_4_at_once"] > 0
        assert await command("status", "--json") == 0
        [host] = json.loads(capsys.readouterr().out)
        assert [(model["name"], model["engine"], model["uses"]) for model in host["models"]] == [
            (MODEL, "xllamacpp", 0)
        ]
        assert "secret" not in host
        assert await command("stop") == 0
        assert "has ended" in capsys.readouterr().out
        assert not lives(host["pid"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_over_itself_and_tells_speed_and_what_is_left() -> None:
    out, times = Terminal(), iter([0.0, 1.0, 2.0])
    bar = Bar(out, lambda: next(times))
    for done in (0, 50_000_000, 100_000_000):
        bar(done, 100_000_000)
    drawn = out.getvalue().split("\r")
    assert " 50 %  50 MB of 100 MB  50.0 MB/s, 1 s left" in drawn[-2]
    assert drawn[-1].endswith("\n")


def test_where_there_is_no_terminal_there_are_a_few_lines() -> None:
    out = io.StringIO()
    bar = Bar(out, lambda: 1.0)
    for done in range(1_001):
        bar(done * 1_000_000, 1_000_000_000)
    assert len(out.getvalue().splitlines()) == 11


def test_a_file_of_unknown_length_has_its_bytes_told() -> None:
    out, times = Terminal(), iter([0.0, 1.0])
    bar = Bar(out, lambda: next(times))
    bar(0, None)
    bar(3_000_000, None)
    assert "3 MB  3.0 MB/s" in out.getvalue()
