"""The command `delegate-mcp`. Without an argument it serves MCP on stdio, and loads nothing that this does not need."""

import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NoReturn

import anyio


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the command that the words name, those of the command line if none are given, and exit with its code."""
    arguments = sys.argv[1:] if words is None else list(words)
    if arguments in ([], ["serve"]):
        from delegate_mcp.cli.serve import serve_stdio

        sys.exit(_run(serve_stdio))
    sys.exit(_command(arguments))


def _command(arguments: list[str]) -> int:
    import argparse
    from importlib import import_module

    from delegate_mcp import __version__
    from delegate_mcp.cli import COMMANDS
    from delegate_mcp.domain.errors import DelegateError

    parser = argparse.ArgumentParser(
        prog="delegate-mcp",
        description="An MCP server with which an expensive director model hands its work to free and cheap inference.",
    )
    parser.add_argument("--version", action="version", version=f"delegate-mcp {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    module = None
    for row in COMMANDS:
        command = commands.add_parser(row.name, help=row.help, description=row.help)
        if row.name == asked:
            module = import_module(f"delegate_mcp.cli.{row.name}")
            module.add_arguments(command)
    parsed = parser.parse_args(arguments)
    assert module is not None  # noqa: S101 - argparse has refused every other name
    try:
        return _run(partial(module.run, parsed))
    except DelegateError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(command: Callable[[], Awaitable[int]]) -> int:
    try:
        return anyio.run(command)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing may be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    main()
