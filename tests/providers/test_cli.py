"""The `claude` CLI as a backend, played by a stand-in executable."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.cli import CliProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.cli import FakeCli, install

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in CLIs are scripts with a #! line")

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
Installer = Callable[[str], FakeCli]


@pytest.fixture
def claude(tmp_path: Path) -> Iterator[Installer]:
    made: list[FakeCli] = []

    def make(behaviour: str) -> FakeCli:
        made.append(install(tmp_path, "claude", behaviour))
        return made[-1]

    yield make
    for cli in made:
        cli.close()


def provider(cli: FakeCli, environ: Mapping[str, str] | None = None, *, bill_api: bool = False) -> CliProvider:
    given = {"PATH": os.environ["PATH"], **(environ or {})}
    return CliProvider(BY_NAME["claude"], command=cli.command, environ=given, bill_api=bill_api, grace_s=0.2)


def ask(prompt: str = "Say hello.", system: str = "Be terse.", **more: Any) -> Ask:
    turns = more.pop("turns", (Message("user", prompt),))
    return Ask(model=more.pop("model", "haiku"), messages=(Message("system", system), *turns), **more)


def ignore(_: int) -> None:
    """A report that no one reads."""


async def failure(cli: FakeCli, asked: Ask | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await provider(cli).complete(asked or ask(), ignore)
    return raised.value


async def test_the_answer_comes_with_usage_that_counts_the_cache_and_costs_nothing_on_the_plan(
    claude: Installer,
) -> None:
    cli = claude("answers")
    completion = await provider(cli).complete(ask(), ignore)
    assert completion.text == "Hello from the stand-in."
    assert completion.finish_reason == "stop"
    assert completion.usage == Usage(input_tokens=60, output_tokens=7, cache_read_tokens=30)
    assert completion.cost_usd == 0
    assert completion.model == "claude-haiku-5-5"


async def test_billed_per_token_it_costs_what_the_cli_says(claude: Installer) -> None:
    completion = await provider(claude("answers"), bill_api=True).complete(ask(), ignore)
    assert completion.cost_usd == Decimal("0.0073")


async def test_progress_is_told_while_it_writes(claude: Installer) -> None:
    seen: list[int] = []
    await provider(claude("answers")).complete(ask(), seen.append)
    assert seen[0] == 0
    assert seen == sorted(seen)
    assert len(set(seen)) == 4


async def test_one_object_printed_on_many_lines_is_an_answer_too(claude: Installer) -> None:
    completion = await provider(claude("answers_as_one_printed_object")).complete(ask(), ignore)
    assert completion.text == "Hello from the stand-in."


async def test_the_prompt_goes_in_on_stdin_and_its_directory_is_empty_and_gone_afterwards(claude: Installer) -> None:
    cli = claude("answers")
    await provider(cli).complete(ask("Say hello."), ignore)
    started = cli.started
    assert started["prompt"] == "Say hello."
    assert "Say hello." not in " ".join(started["argv"])
    assert "--system-prompt=Be terse." in started["argv"]
    assert not cli.left_its_directory


async def test_its_own_servers_tools_and_settings_are_left_out(claude: Installer) -> None:
    cli = claude("answers")
    await provider(cli).complete(ask(model="opus"), ignore)
    argv = cli.started["argv"]
    assert {"-p", "--model=opus", "--tools=", "--setting-sources=", "--strict-mcp-config"} <= set(argv)
    assert '--mcp-config={"mcpServers":{}}' in argv
    assert '--settings={"permissions":{"deny":["Read"]}}' in argv
    assert "--no-session-persistence" in argv


async def test_a_prompt_that_looks_like_an_option_is_a_prompt(claude: Installer) -> None:
    cli = claude("answers")
    await provider(cli).complete(ask("--dangerously-skip-permissions --help", system="--version"), ignore)
    assert cli.started["prompt"] == "--dangerously-skip-permissions --help"
    assert not [word for word in cli.started["argv"] if word.startswith(("--dangerously", "--help", "--version"))]


async def test_a_prompt_that_looks_like_a_command_of_the_cli_is_a_prompt(claude: Installer) -> None:
    cli = claude("answers")
    await provider(cli).complete(ask("/logout now"), ignore)
    assert cli.started["prompt"] == "Request:\n/logout now"


async def test_a_prompt_of_five_megabytes_arrives_whole(claude: Installer) -> None:
    cli = claude("answers")
    prompt = "0123456789äöü " * 300_000
    await provider(cli).complete(ask(prompt), ignore)
    assert cli.started["prompt"] == prompt


async def test_a_long_system_text_goes_in_before_the_prompt(claude: Installer) -> None:
    cli = claude("answers")
    await provider(cli).complete(ask("Say hello.", system="word " * 10_000), ignore)
    assert cli.started["prompt"] == "word " * 10_000 + "\n\nSay hello."


async def test_earlier_turns_are_told_in_the_prompt(claude: Installer) -> None:
    cli = claude("answers")
    turns = (Message("user", "Pick a number."), Message("assistant", "Seven."), Message("user", "Double it."))
    await provider(cli).complete(ask(turns=turns), ignore)
    assert cli.started["prompt"].startswith("Answer the last message of this conversation.")
    assert "<assistant>\nSeven.\n</assistant>\n\n<user>\nDouble it.\n</user>" in cli.started["prompt"]


async def test_a_schema_that_is_met_gives_its_json(claude: Installer) -> None:
    cli = claude("meets_the_schema")
    completion = await provider(cli).complete(ask(json_schema=SCHEMA), ignore)
    assert completion.text == '{"a": 3}'
    assert [word for word in cli.started["argv"] if word.startswith("--json-schema={")]


async def test_a_schema_too_long_for_an_argument_is_asked_for_in_words(claude: Installer) -> None:
    cli = claude("answers")
    await provider(cli).complete(ask(json_schema={"description": "x" * 10_000}), ignore)
    assert not [word for word in cli.started["argv"] if word.startswith("--json-schema")]
    assert "x" * 10_000 in cli.started["prompt"]


@pytest.mark.parametrize("behaviour", ["never_meets_the_schema", "gives_up_on_the_schema"])
async def test_a_schema_that_is_never_met_is_a_bad_answer_that_was_paid_for(claude: Installer, behaviour: str) -> None:
    error = await failure(claude(behaviour), ask(json_schema=SCHEMA))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "never met the schema" in str(error)
    assert error.usage == Usage(60, 7, 30)


@pytest.mark.parametrize(
    ("behaviour", "kind", "status", "words"),
    [
        ("is_logged_out", ErrorKind.AUTH, None, "run `claude` and then /login"),
        ("is_rate_limited", ErrorKind.RATE_LIMITED, 429, "limit"),
        ("has_used_up_its_plan", ErrorKind.RATE_LIMITED, None, "limit"),
        ("is_overloaded", ErrorKind.OVERLOADED, 529, "cannot answer right now"),
        ("has_no_such_model", ErrorKind.MODEL_GONE, 404, "no such model"),
        ("runs_out_of_turns", ErrorKind.BAD_ANSWER, None, "error_max_turns"),
        ("refuses", ErrorKind.REFUSED, None, "refused"),
        ("took_the_prompt_for_a_command", ErrorKind.BAD_ANSWER, None, "command"),
        ("says_nothing", ErrorKind.BAD_ANSWER, None, "without an answer"),
        ("says_an_empty_answer", ErrorKind.BAD_ANSWER, None, "empty"),
        ("writes_garbage", ErrorKind.BAD_ANSWER, None, "other than its JSON"),
        ("writes_without_an_end", ErrorKind.BAD_ANSWER, None, "more than an answer can hold"),
        ("is_killed", ErrorKind.BAD_ANSWER, None, "signal 9"),
        ("is_too_old", ErrorKind.AUTH, None, "npm install -g @anthropic-ai/claude-code"),
    ],
)
async def test_each_way_to_fail_has_its_kind_and_says_what_to_do(
    claude: Installer, behaviour: str, kind: ErrorKind, status: int | None, words: str
) -> None:
    cli = claude(behaviour)
    error = await failure(cli)
    assert (error.kind, error.status) == (kind, status)
    assert words in str(error)
    assert await cli.processes_until_all_are_gone() == 1


async def test_what_came_before_it_was_killed_is_counted_by_estimate(claude: Installer) -> None:
    error = await failure(claude("is_killed"))
    assert error.usage is not None
    assert error.usage.estimated
    assert error.usage.output_tokens == 2


async def test_where_nothing_came_nothing_is_counted(claude: Installer) -> None:
    assert (await failure(claude("says_nothing"))).usage is None


async def test_a_used_up_plan_says_when_it_is_full_again(claude: Installer) -> None:
    error = await failure(claude("has_used_up_its_plan"))
    assert error.retry_after_s is not None
    assert error.retry_after_s > 1e9


async def test_what_it_writes_on_stderr_is_not_repeated(claude: Installer) -> None:
    error = await failure(claude("fails_and_repeats_the_prompt"), ask("my secret plan"))
    assert error.kind is ErrorKind.BAD_ANSWER
    assert "exit code 3" in str(error)
    assert "secret" not in str(error)


async def test_a_child_that_it_leaves_behind_neither_holds_the_answer_up_nor_survives(claude: Installer) -> None:
    cli = claude("leaves_a_child")
    completion = await provider(cli).complete(ask(), ignore)
    assert completion.text == "Hello from the stand-in."
    assert await cli.processes_until_all_are_gone() == 2


@pytest.mark.parametrize("behaviour", ["never_ends", "never_ends_and_ignores_the_request_to"])
async def test_a_cancel_ends_the_whole_group(claude: Installer, behaviour: str) -> None:
    cli = claude(behaviour)
    writing = anyio.Event()

    def report(tokens: int) -> None:
        if tokens:
            writing.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(provider(cli).complete, ask(), report)
        with anyio.fail_after(20):
            await writing.wait()
        tasks.cancel_scope.cancel()
    assert await cli.processes_until_all_are_gone() == 2
    assert not cli.left_its_directory


async def test_one_that_ignores_the_request_to_end_is_gone_by_the_deadline(claude: Installer) -> None:
    cli = claude("never_ends_and_ignores_the_request_to")
    patient = CliProvider(BY_NAME["claude"], command=cli.command, environ={"PATH": os.environ["PATH"]}, grace_s=600.0)
    with anyio.fail_after(60), pytest.raises(ProviderError) as raised:
        await patient.complete(ask(deadline_s=1.0), ignore)
    assert raised.value.kind is ErrorKind.TIMEOUT
    await cli.processes_until_all_are_gone()


async def test_the_keys_of_others_and_the_parent_conversation_are_taken_out_of_its_environment(
    claude: Installer,
) -> None:
    cli = claude("answers")
    taken = {
        "ANTHROPIC_API_KEY": "billed",
        "ANTHROPIC_AUTH_TOKEN": "billed",
        "CLAUDECODE": "1",
        "CLAUDE_PROJECT_DIR": "/project",
        "CLAUDE_CODE_SESSION_ID": "parent",
        "CLAUDE_CODE_MESSAGING_TOKEN": "parent",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "GROQ_API_KEY": "groq",
        "GEMINI_API_KEY": "gemini",
        "OPENAI_API_KEY": "openai",
        "DELEGATE_MCP_TOKEN": "ours",
        "DELEGATE_MCP_PROVIDERS__GROQ__API_KEY": "groq",
    }
    kept = {
        "CLAUDE_CONFIG_DIR": "/config",
        "CLAUDE_CODE_OAUTH_TOKEN": "plan",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://proxy",
    }
    await provider(cli, {**taken, **kept}).complete(ask(), ignore)
    environ = cli.started["environ"]
    assert not taken.keys() & environ.keys()
    assert {name: environ.get(name) for name in kept} == kept
    assert environ["CLAUDE_CODE_MAX_RETRIES"] == "0"
    assert environ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] == "1"


async def test_the_persons_key_is_given_to_it_only_where_the_settings_say_so(claude: Installer) -> None:
    cli = claude("answers")
    given = {"ANTHROPIC_API_KEY": "billed", "CLAUDE_CODE_SESSION_ID": "parent", "GROQ_API_KEY": "groq"}
    await provider(cli, given, bill_api=True).complete(ask(), ignore)
    assert cli.started["environ"]["ANTHROPIC_API_KEY"] == "billed"
    assert not {"CLAUDE_CODE_SESSION_ID", "GROQ_API_KEY"} & cli.started["environ"].keys()


async def test_an_edit_works_in_its_directory_with_the_tools_that_edit_and_no_shell(
    claude: Installer, tmp_path: Path
) -> None:
    cli = claude("edits")
    project = tmp_path / "project"
    project.mkdir()
    completion = await provider(cli).complete(ask(edit_in=project), ignore)
    assert completion.text == "Corrected the spelling."
    assert (project / "greeting.py").read_text() == "print('hello')\n"
    argv = cli.started["argv"]
    assert {"--tools=Read,Edit,Write,Glob,Grep", "--permission-mode=acceptEdits", "--restricted"} <= set(argv)
    assert [word for word in argv if word.startswith("--append-system-prompt=Be terse.")]


async def test_an_edit_in_a_directory_that_is_not_there_is_refused_before_anything_starts(
    claude: Installer, tmp_path: Path
) -> None:
    cli = claude("edits")
    error = await failure(cli, ask(edit_in=tmp_path / "nowhere"))
    assert error.kind is ErrorKind.BAD_REQUEST
    assert not (cli.folder / "started.json").exists()


async def test_a_cli_that_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    backend = CliProvider(BY_NAME["claude"], command=None, environ={"PATH": str(tmp_path)})
    with pytest.raises(ProviderError, match="npm install -g @anthropic-ai/claude-code") as raised:
        await backend.complete(ask(), ignore)
    assert raised.value.kind is ErrorKind.AUTH
    with pytest.raises(ProviderError, match="not installed"):
        await backend.list_models()


async def test_a_file_that_is_no_program_says_so(tmp_path: Path) -> None:
    command = tmp_path / "claude"
    command.write_bytes(b"\x00\x01")
    command.chmod(0o700)
    backend = CliProvider(BY_NAME["claude"], command=str(command), environ={"PATH": str(tmp_path)})
    with pytest.raises(ProviderError) as raised:
        await backend.complete(ask(), ignore)
    assert raised.value.kind in {ErrorKind.AUTH, ErrorKind.BAD_ANSWER}


async def test_its_models_are_its_aliases(claude: Installer) -> None:
    models = await provider(claude("answers")).list_models()
    assert [model.model for model in models] == ["haiku", "sonnet", "opus"]
