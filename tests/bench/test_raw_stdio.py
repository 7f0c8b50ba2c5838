import sys
from pathlib import Path

import pytest

from bench.raw_stdio import BARE, ENVELOPE, RawServer, clean_environment


def test_the_bare_server_answers_the_older_handshake_and_lists_its_one_tool(tmp_path: Path) -> None:
    with RawServer(BARE, tmp_path) as server:
        assert server.handshake()["serverInfo"]["name"] == "bare"
        assert [tool["name"] for tool in server.ask("tools/list", {})["tools"]] == ["echo"]
    assert server.process.returncode is not None


def test_the_bare_server_answers_a_discover_of_the_newer_era(tmp_path: Path) -> None:
    with RawServer(BARE, tmp_path) as server:
        assert "2026-07-28" in server.ask("server/discover", ENVELOPE)["supportedVersions"]


def test_a_server_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    dying = (sys.executable, "-c", "import sys; input(); sys.exit('no such setting')")
    with RawServer(dying, tmp_path) as server, pytest.raises(RuntimeError, match="no such setting"):
        server.handshake()


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    silent = (sys.executable, "-c", "import sys; sys.stdin.read()")
    with RawServer(silent, tmp_path, give_up_s=0.2) as server, pytest.raises(RuntimeError, match="without answering"):
        server.handshake()


def test_a_measured_server_sees_no_key_and_no_conversation_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GROQ_API_KEY", "CLAUDE_CODE_SESSION_ID", "DELEGATE_MCP_CALLS__IDLE_S"):
        monkeypatch.setenv(name, "1")
    environment = clean_environment(tmp_path, {"GEMINI_API_KEY": "given"})
    assert environment["GEMINI_API_KEY"] == "given"
    assert environment["HOME"] == str(tmp_path)
    assert not environment.keys() & {"GROQ_API_KEY", "CLAUDE_CODE_SESSION_ID", "DELEGATE_MCP_CALLS__IDLE_S"}
