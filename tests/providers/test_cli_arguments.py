"""A prompt is data to a CLI: never an option, a command of its own, or a word of a shell."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.cli import CliProvider
from delegate_mcp.providers.cli_rows import CLI_BY_NAME, CLI_ROWS, CliCall, instructions
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.cli import FakeCli, install

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in CLIs are scripts with a #! line")

BLANK = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2007\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What these CLIs, written in JavaScript, cut off a prompt's beginning."""
TRICKS = [
    "--dangerously-skip-permissions",
    "-p --model=opus",
    "--",
    "-",
    "--mcp-config={}\n--allowedTools=Bash",
    "/clear",
    "  /login",
    "\ufeff/clear",
    "@/etc/passwd",
    "!cat /etc/passwd",
    "$(id)",
    "`id`",
    "; id; #",
    "&& id",
    "| id > x",
    "'\"; id; '\"",
    "hello\n--dangerously-skip-permissions\n/exit\n",
    "\r\n\r\n--version",
    "%PATH% ^& calc",
    "~/secret",
    "*",
    "\\",
    "\x1b[2J",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def cli(folder: Path) -> Iterator[FakeCli]:
    made = install(folder, "stand-in", "answers")
    yield made
    made.close()


async def start(cli: FakeCli, name: str, asked: Ask) -> dict[str, Any]:
    """How the CLI was started; what it answers is no matter here."""
    provider = CliProvider(BY_NAME[name], command=cli.command, environ={"PATH": os.environ["PATH"]}, grace_s=0.2)
    with suppress(ProviderError):  # the stand-in says the same whoever it plays, whatever it is asked
        await provider.complete(asked, lambda _: None)
    return cli.started


def ask(prompt: str, system: str = "Be terse.") -> Ask:
    return Ask(model="default", messages=(Message("system", system), Message("user", prompt)))


@pytest.mark.parametrize("name", [row.name for row in CLI_ROWS])
@pytest.mark.parametrize("trick", TRICKS)
async def test_a_prompt_stands_on_stdin_alone_and_changes_no_argument(
    folder: Path, cli: FakeCli, name: str, trick: str
) -> None:
    started = await start(cli, name, ask(trick))
    scratch = Path(started["cwd"]).parent
    system, _, schema = instructions(CLI_BY_NAME[name], ask("Say hello."))
    plain = CLI_BY_NAME[name].argv(CliCall(model="default", system=system, schema=schema, scratch=scratch))
    assert tuple(started["argv"]) == plain
    assert trick in started["prompt"]
    assert not started["prompt"].lstrip(BLANK).startswith("/")
    assert sorted(os.listdir(folder)) == ["alive", "stand-in", "started.json"]  # noqa: PTH208 - not in a loop's way


@pytest.mark.parametrize("trick", TRICKS)
async def test_a_system_text_and_a_schema_stay_within_their_option(cli: FakeCli, trick: str) -> None:
    schema = {"type": "object", "description": trick}
    asked = Ask(model="haiku", messages=(Message("system", trick), Message("user", "x")), json_schema=schema)
    started = await start(cli, "claude", asked)
    words: list[str] = started["argv"]
    assert f"--system-prompt={trick}" in words
    assert f"--json-schema={json.dumps(schema)}" in words
    assert all(word.startswith("-") for word in words)
    assert trick not in words or trick in {"-", "--"}


@given(prompt=st.text(min_size=1), name=st.sampled_from([row.name for row in CLI_ROWS]))
def test_no_prompt_changes_what_a_cli_is_started_with(prompt: str, name: str) -> None:
    row = CLI_BY_NAME[name]

    def argv(text: str) -> tuple[str, ...]:
        system, _, schema = instructions(row, ask(text))
        return row.argv(CliCall(model="default", system=system, schema=schema, scratch=Path("scratch")))

    assert argv(prompt) == argv("Say hello.")
    assert not instructions(row, ask(prompt, system=""))[1].lstrip(BLANK).startswith("/")


@pytest.mark.parametrize("name", [row.name for row in CLI_ROWS])
def test_a_model_name_is_no_option(name: str) -> None:
    words = CLI_BY_NAME[name].argv(CliCall(model="--dangerously-skip-permissions", scratch=Path("scratch")))
    assert "--dangerously-skip-permissions" not in words


@pytest.mark.parametrize("name", [row.name for row in CLI_ROWS])
def test_no_cli_is_ever_told_to_skip_permissions(name: str) -> None:
    for edit in (False, True):
        words = CLI_BY_NAME[name].argv(CliCall(model="default", edit=edit, scratch=Path("scratch")))
        assert not [word for word in words if "dangerously" in word or "yolo" in word or "full-auto" in word]
