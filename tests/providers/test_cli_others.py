"""`codex`, `gemini` and `opencode` as backends, played by stand-in executables."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.cli import CliProvider
from delegate_mcp.providers.cli_rows import CLI_ROWS
from delegate_mcp.providers.registry import BY_NAME, PROVIDERS
from tests.fakes.cli import FakeCli, install

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in CLIs are scripts with a #! line")

Installer = Callable[[str, str], FakeCli]


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installer]:
    made: list[FakeCli] = []

    def make(name: str, behaviour: str) -> FakeCli:
        made.append(install(tmp_path, name, behaviour))
        return made[-1]

    yield make
    for cli in made:
        cli.close()


def provider(
    name: str, cli: FakeCli, environ: Mapping[str, str] | None = None, *, bill_api: bool = False
) -> CliProvider:
    given = {"PATH": os.environ["PATH"], **(environ or {})}
    return CliProvider(BY_NAME[name], command=cli.command, environ=given, bill_api=bill_api, grace_s=0.2)


def ask(prompt: str = "Say hello.", model: str = "default", edit_in: Path | None = None) -> Ask:
    return Ask(model=model, messages=(Message("system", "Be terse."), Message("user", prompt)), edit_in=edit_in)


def ignore(_: int) -> None:
    """A report that no one reads."""


def test_every_cli_of_the_registry_has_a_row() -> None:
    assert {row.name for row in CLI_ROWS} == {row.name for row in PROVIDERS if row.wire == "cli"}


@pytest.mark.parametrize(
    ("name", "behaviour", "text", "usage"),
    [
        ("codex", "codex_answers", "Hello from codex.", Usage(11, 5, 4)),
        ("gemini-cli", "gemini_answers", "Hello from gemini.", Usage(12, 8, 3)),
        ("opencode", "opencode_answers", "Hello from opencode.", Usage(118, 10, 10)),
    ],
)
async def test_the_last_thing_said_is_the_answer_and_all_tokens_are_counted(
    installed: Installer, name: str, behaviour: str, text: str, usage: Usage
) -> None:
    seen: list[int] = []
    completion = await provider(name, installed(name, behaviour)).complete(ask(), seen.append)
    assert (completion.text, completion.usage) == (text, usage)
    assert max(seen) > 0


@pytest.mark.parametrize("behaviour", ["gemini_answers", "gemini_answers_as_one_printed_object"])
async def test_gemini_counts_thoughts_and_names_its_model_in_both_of_its_forms(
    installed: Installer, behaviour: str
) -> None:
    completion = await provider("gemini-cli", installed("gemini-cli", behaviour)).complete(ask(), ignore)
    assert completion.text == "Hello from gemini."
    assert completion.usage == Usage(12, 8, 3)
    assert completion.model == "gemini-3.8-flash"


@pytest.mark.parametrize(
    ("name", "behaviour", "kind", "words"),
    [
        ("codex", "codex_retries_at_its_limit", ErrorKind.RATE_LIMITED, "limit"),
        ("codex", "codex_fails", ErrorKind.RATE_LIMITED, "room again in 51 h 5 min"),
        ("codex", "says_nothing", ErrorKind.BAD_ANSWER, "without an answer"),
        ("gemini-cli", "gemini_spent_its_day", ErrorKind.RATE_LIMITED, "limit"),
        ("gemini-cli", "gemini_retries", ErrorKind.OVERLOADED, "cannot answer right now"),
        ("gemini-cli", "gemini_lost_its_model", ErrorKind.MODEL_GONE, "no such model"),
        ("gemini-cli", "gemini_has_no_key", ErrorKind.AUTH, "set GEMINI_API_KEY"),
        ("gemini-cli", "says_nothing", ErrorKind.BAD_ANSWER, "without an answer"),
        ("opencode", "opencode_has_a_wrong_key", ErrorKind.AUTH, "opencode auth login"),
        ("opencode", "opencode_waits_at_a_limit", ErrorKind.RATE_LIMITED, "room again in 30 s"),
        ("opencode", "opencode_keeps_retrying", ErrorKind.OVERLOADED, "cannot answer right now"),
        ("opencode", "says_nothing", ErrorKind.BAD_ANSWER, "without an answer"),
    ],
)
async def test_a_failure_is_told_at_once_also_where_the_cli_would_go_on_retrying(
    installed: Installer, name: str, behaviour: str, kind: ErrorKind, words: str
) -> None:
    cli = installed(name, behaviour)
    with pytest.raises(ProviderError) as raised:
        await provider(name, cli).complete(ask(), ignore)
    assert raised.value.kind is kind
    assert words in str(raised.value)
    assert await cli.processes_until_all_are_gone() == 1


async def test_a_spent_day_names_its_window(installed: Installer) -> None:
    with pytest.raises(ProviderError) as raised:
        await provider("gemini-cli", installed("gemini-cli", "gemini_spent_its_day")).complete(ask(), ignore)
    assert raised.value.window == "day"


@pytest.mark.parametrize("name", ["codex", "gemini-cli", "opencode"])
async def test_system_and_prompt_go_in_on_stdin_and_never_stand_among_the_arguments(
    installed: Installer, name: str
) -> None:
    cli = installed(name, "says_nothing")
    with pytest.raises(ProviderError):
        await provider(name, cli).complete(ask("--yolo", model="some-model"), ignore)
    assert cli.started["prompt"] == "Be terse.\n\n--yolo"
    assert "--yolo" not in cli.started["argv"]
    assert "--model=some-model" in cli.started["argv"]


@pytest.mark.parametrize("name", ["codex", "gemini-cli", "opencode"])
async def test_the_model_named_default_is_the_clis_own(installed: Installer, name: str) -> None:
    cli = installed(name, "says_nothing")
    with pytest.raises(ProviderError):
        await provider(name, cli).complete(ask(), ignore)
    assert not [word for word in cli.started["argv"] if "model" in word]


async def test_codex_may_write_only_where_an_edit_was_asked_for(installed: Installer, tmp_path: Path) -> None:
    cli = installed("codex", "codex_answers")
    await provider("codex", cli).complete(ask(), ignore)
    assert "--sandbox=read-only" in cli.started["argv"]
    assert "features.shell_tool=false" in cli.started["argv"]
    await provider("codex", cli).complete(ask(edit_in=tmp_path), ignore)
    assert "--sandbox=workspace-write" in cli.started["argv"]
    assert cli.started["cwd"] == str(tmp_path)


async def test_gemini_edits_only_where_an_edit_was_asked_for(installed: Installer, tmp_path: Path) -> None:
    cli = installed("gemini-cli", "gemini_answers")
    await provider("gemini-cli", cli).complete(ask(), ignore)
    assert "--approval-mode=auto_edit" not in cli.started["argv"]
    await provider("gemini-cli", cli).complete(ask(edit_in=tmp_path), ignore)
    assert "--approval-mode=auto_edit" in cli.started["argv"]


async def test_opencode_has_no_tool_but_those_that_edit_where_an_edit_was_asked_for(
    installed: Installer, tmp_path: Path
) -> None:
    cli = installed("opencode", "opencode_answers")
    await provider("opencode", cli).complete(ask(), ignore)
    assert json.loads(cli.started["environ"]["OPENCODE_PERMISSION"]) == {"*": "deny"}
    await provider("opencode", cli).complete(ask(edit_in=tmp_path), ignore)
    allowed = json.loads(cli.started["environ"]["OPENCODE_PERMISSION"])
    assert allowed["edit"] == "allow"
    assert allowed["*"] == "deny"
    assert "bash" not in allowed


async def test_gemini_is_given_its_own_key_and_no_other_and_leaves_its_reports_in_a_directory_that_goes(
    installed: Installer,
) -> None:
    cli = installed("gemini-cli", "gemini_answers")
    given = {"GEMINI_API_KEY": "own", "GROQ_API_KEY": "other", "ANTHROPIC_API_KEY": "other"}
    await provider("gemini-cli", cli, given).complete(ask(), ignore)
    environ = cli.started["environ"]
    assert environ["GEMINI_API_KEY"] == "own"
    assert not {"GROQ_API_KEY", "ANTHROPIC_API_KEY"} & environ.keys()
    assert environ["TMPDIR"] != os.environ.get("TMPDIR")
    assert not cli.left_its_directory


@pytest.mark.parametrize(("bill_api", "given"), [(False, False), (True, True)])
async def test_codex_uses_the_plan_unless_the_settings_let_it_bill(
    installed: Installer, *, bill_api: bool, given: bool
) -> None:
    cli = installed("codex", "codex_answers")
    backend = provider("codex", cli, {"CODEX_API_KEY": "billed"}, bill_api=bill_api)
    completion = await backend.complete(ask(), ignore)
    assert ("CODEX_API_KEY" in cli.started["environ"]) is given
    assert completion.cost_usd == (None if bill_api else 0)


async def test_opencode_costs_what_its_account_was_billed(installed: Installer) -> None:
    completion = await provider("opencode", installed("opencode", "opencode_answers")).complete(ask(), ignore)
    assert completion.cost_usd == Decimal("0.002")
