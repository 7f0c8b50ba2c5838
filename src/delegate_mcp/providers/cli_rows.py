"""The CLIs that answer as backends, one row each.

To add a CLI: a row here and one in `registry` with the same name, and how it answers in `cli_answers`. The prompt goes
in on stdin and never stands in argv, so that it can neither be too long nor become an option; what stands in argv is
joined to its option by `=` for the same reason.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from delegate_mcp.domain.brief import Message
from delegate_mcp.providers.answers import asking_for_json
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.cli_answer import CliAnswer
from delegate_mcp.providers.cli_answers import ClaudeAnswer, CodexAnswer, GeminiAnswer, OpencodeAnswer
from delegate_mcp.providers.cli_failures import Mending
from delegate_mcp.providers.registry import PROVIDERS, ProviderRow

DEFAULT_MODEL = "default"
"""The model name that leaves the choice to the CLI."""

_LONGEST_IN_ARGV = 8_000
_COMMAND = re.compile(r"[\s\ufeff]*/")  # a byte order mark is a blank to JavaScript
_ANSWER_ONLY = "Answer the request. You have no tools: all that there is to know stands in it."
_EDIT = (
    "Make the change in the files of the working directory yourself (read CLAUDE.md or AGENTS.md first where there is "
    "one), then say in a few lines what you changed and what is left to do."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CliCall:
    """What an argv is built from."""

    model: str
    system: str = ""
    """What the system says, where the CLI takes it apart from the prompt."""
    schema: str | None = None
    """The JSON schema as text, where the CLI takes one."""
    edit: bool = False
    """Files of the working directory may be changed."""
    scratch: Path
    """A directory of this call alone, removed after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CliRow:
    """One CLI; the executable, its title and the names of its key stand in the registry."""

    name: str
    mending: Mending
    argv: Callable[[CliCall], tuple[str, ...]]
    answer: type[CliAnswer]
    environ: Callable[[CliCall], Mapping[str, str]]
    """Variables that it is given."""
    billing: tuple[str, ...] = ()
    """Variables that would bill per token: given to it only where the settings say so."""
    keeps: tuple[str, ...] = ()
    """Variables that it needs although PRIVATE would take them away."""
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    takes_system: bool = False
    takes_schema: bool = False


PRIVATE = (
    "DELEGATE_MCP_*",
    "CLAUDECODE",
    "CLAUDE_*",  # the parent conversation: its id, its sockets, its tokens
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CODEX_API_KEY",
    "OPENCODE_*",
    *(name for row in PROVIDERS for name in row.key_names),
)
"""Variables (patterns) that no CLI is given unless its row names them."""


def environment(
    cli: CliRow, row: ProviderRow, call: CliCall, environ: Mapping[str, str], *, bill_api: bool
) -> dict[str, str]:
    """The person's environment without the keys of other services, the parent conversation and what would bill."""
    kept = {*row.key_names, *cli.keeps, *(cli.billing if bill_api else ())}

    def given(name: str) -> bool:
        upper = name.upper()
        return upper in kept or not (upper in cli.billing or any(fnmatchcase(upper, private) for private in PRIVATE))

    return {name: value for name, value in environ.items() if given(name)} | dict(cli.environ(call))


def instructions(cli: CliRow, ask: Ask) -> tuple[str, str, str | None]:
    """What the CLI is told: system text and schema for its argv (empty where it takes none), and the prompt."""
    messages = ask.messages
    schema = json.dumps(ask.json_schema) if ask.json_schema is not None and cli.takes_schema else None
    if ask.json_schema is not None and (schema is None or len(schema) > _LONGEST_IN_ARGV):
        schema, messages = None, asking_for_json(messages, ask.json_schema)
    parts = [message.text for message in messages if message.role == "system"]
    if ask.edit_in is not None:
        parts.append(_EDIT)
    system = "\n\n".join(parts)
    turns = [message for message in messages if message.role != "system"]
    if not cli.takes_system or len(system) > _LONGEST_IN_ARGV:
        return "", _prompt(system, turns), schema
    return system, _prompt("", turns), schema


def _prompt(system: str, turns: list[Message]) -> str:
    """One text of all turns: these CLIs take no other form."""
    if len(turns) == 1:
        said = turns[0].text
    else:
        said = "\n\n".join(f"<{turn.role}>\n{turn.text}\n</{turn.role}>" for turn in turns)
        said = f"Answer the last message of this conversation.\n\n{said}"
    prompt = f"{system}\n\n{said}" if system else said
    # A text that begins with a slash would be taken for one of the CLI's own commands.
    return f"Request:\n{prompt}" if _COMMAND.match(prompt) else prompt


def _model(call: CliCall) -> tuple[str, ...]:
    return () if call.model == DEFAULT_MODEL else (f"--model={call.model}",)


def _claude(call: CliCall) -> tuple[str, ...]:
    """Streams, so that progress can be told. No tools, or those that edit files within the working directory.

    `--setting-sources=` and `--restricted` leave out the person's and the project's settings: hooks run commands, and
    an apiKeyHelper bills. The deny rule and DISABLE_FILE_MENTIONS keep an `@path` in a prompt from reading that file,
    which the CLI does even without tools.
    """
    edit = ("--tools=Read,Edit,Write,Glob,Grep", "--permission-mode=acceptEdits", "--restricted")
    answer = (
        "--tools=",
        "--setting-sources=",
        '--settings={"permissions":{"deny":["Read"]}}',
        f"--system-prompt={call.system or _ANSWER_ONLY}",
    )
    return (
        "-p",
        "--output-format=stream-json",
        "--verbose",
        "--include-partial-messages",
        *_model(call),
        "--strict-mcp-config",
        '--mcp-config={"mcpServers":{}}',
        "--no-session-persistence",
        "--disable-slash-commands",
        *((*edit, f"--append-system-prompt={call.system}") if call.edit else answer),
        *((f"--json-schema={call.schema}",) if call.schema else ()),
    )


def _codex(call: CliCall) -> tuple[str, ...]:
    """Without the person's config.toml, whose MCP servers may include this one; without a shell to answer only."""
    tools = () if call.edit else ("-c", "features.shell_tool=false", "-c", "features.unified_exec=false")
    return (
        "exec",
        "--json",
        "--color=never",
        "--skip-git-repo-check",
        "--ephemeral",
        "--ignore-user-config",
        "--ignore-rules",
        f"--sandbox={'workspace-write' if call.edit else 'read-only'}",
        *tools,
        *_model(call),
        "-",
    )


def _gemini(call: CliCall) -> tuple[str, ...]:
    """Piped stdin makes it answer once. A server name and an extension that no one has leave out all others."""
    return (
        "--output-format=stream-json",
        "--skip-trust",
        "--allowed-mcp-server-names=none",
        "--extensions=none",
        *(("--approval-mode=auto_edit",) if call.edit else ()),
        *_model(call),
    )


def _opencode(call: CliCall) -> tuple[str, ...]:
    """A title of its own saves the request that would think one up; the log tells of the limits it waits at."""
    logs = ("--print-logs", "--log-level=ERROR")
    return ("run", "--format=json", "--pure", "--title=delegated", *logs, *_model(call))


def _opencode_environ(call: CliCall) -> Mapping[str, str]:
    allowed = ("read", "edit", "glob", "grep", "list") if call.edit else ()
    return {"OPENCODE_PERMISSION": json.dumps({"*": "deny", **dict.fromkeys(allowed, "allow")})}


CLI_ROWS: tuple[CliRow, ...] = (
    CliRow(
        name="claude",
        mending=Mending(install="npm install -g @anthropic-ai/claude-code", login="run `claude` and then /login"),
        argv=_claude,
        answer=ClaudeAnswer,
        environ=lambda _: {
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
        },
        billing=(
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "CLAUDE_CODE_USE_FOUNDRY",
        ),
        keeps=(
            "CLAUDE_CONFIG_DIR",
            "CLAUDE_CODE_OAUTH_TOKEN",  # of `claude setup-token`: the plan's login on a machine without a browser
            "CLAUDE_CODE_GIT_BASH_PATH",
            "CLAUDE_CODE_CERT_STORE",
            "CLAUDE_CODE_CLIENT_CERT",
            "CLAUDE_CODE_CLIENT_KEY",
            "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE",
        ),
        models=("haiku", "sonnet", "opus"),
        takes_system=True,
        takes_schema=True,
    ),
    CliRow(
        name="codex",
        mending=Mending(install="npm install -g @openai/codex", login="run `codex login`"),
        argv=_codex,
        answer=CodexAnswer,
        environ=lambda _: {},
        billing=("CODEX_API_KEY", "OPENAI_API_KEY"),
    ),
    CliRow(
        name="gemini-cli",
        mending=Mending(install="npm install -g @google/gemini-cli", login="set GEMINI_API_KEY, or run `gemini`"),
        argv=_gemini,
        answer=GeminiAnswer,
        # On an error it writes a report with the whole prompt into the directory for temporary files.
        environ=lambda call: dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(call.scratch)),
        models=("gemini-3.8-flash", "gemini-3.5-flash-lite"),
    ),
    CliRow(
        name="opencode",
        mending=Mending(install="npm install -g opencode-ai", login="run `opencode auth login`"),
        argv=_opencode,
        answer=OpencodeAnswer,
        environ=_opencode_environ,
        billing=("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY"),
        keeps=("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "OPENCODE_CONFIG_CONTENT"),
    ),
)

CLI_BY_NAME = {row.name: row for row in CLI_ROWS}
