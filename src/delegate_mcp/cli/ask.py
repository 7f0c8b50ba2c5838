"""`delegate-mcp ask`: one prompt from the shell, the same path as the tools."""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any

import anyio

from delegate_mcp.cli.running import opened_app, print_json
from delegate_mcp.delivery.failure_text import failure_reply
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.dispatch.calls import RunningCall
from delegate_mcp.domain.errors import DelegateError, InputError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.routing.task_types import task_type_of

PROGRESS_EVERY_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("prompt", help="what to ask; - reads it from stdin")
    parser.add_argument(
        "--tool", default="auto", help="quick, reasoning, code, longcontext, private, auto, or a task type"
    )
    parser.add_argument(
        "--file", action="append", default=[], dest="files", metavar="PATH", help="file or glob to send along"
    )
    parser.add_argument("--model", help="ask this model only (provider:model, a name of `models`, or an alias)")
    parser.add_argument("--save-to", metavar="PATH", help="write the answer to a new file")
    parser.add_argument("--overwrite", action="store_true", help="--save-to may name a file that is there")
    parser.add_argument("--edit", action="store_true", help="the answer is a patch of --file, which is applied")
    parser.add_argument("--check", metavar="COMMAND", help="one of checks.commands that what is written must pass")
    parser.add_argument("--tries", type=int, default=3, metavar="N", help="how often the model may mend it (3)")
    parser.add_argument("--votes", type=int, default=1, metavar="N", help="ask so many models; most of them decide")
    parser.add_argument("--max-result-tokens", type=int, metavar="N", help="print no more of the answer than that")
    parser.add_argument("--json-schema", metavar="PATH", help="file with the JSON schema that the answer must meet")
    parser.add_argument("--thread", metavar="CALL", help="call id to continue")
    parser.add_argument("--verdict", choices=("good", "bad"), help="on the answer to the call that --thread names")
    parser.add_argument("--edit-in", metavar="DIR", help="directory in which a CLI backend may edit files")
    parser.add_argument("--on-limit", choices=("degrade", "wait", "fail"), default="degrade")
    parser.add_argument("--fresh", action="store_true", help="ask even where an identical call was answered before")
    parser.add_argument("--json", action="store_true", help="print the answer and all facts as JSON")


async def run(args: argparse.Namespace) -> int:
    """Ask and print."""
    try:
        request = await _request(args)
        async with opened_app() as app:
            call = app.start(request)
            await _follow(call, quiet=args.json)
            reply = call.outcome()
    except DelegateError as error:
        reply = failure_reply(error)
    return _print(reply, as_json=args.json)


async def _request(args: argparse.Namespace) -> DelegateRequest:
    schema = await _schema(args.json_schema) if args.json_schema else None
    return DelegateRequest(
        prompt=sys.stdin.read() if args.prompt == "-" else args.prompt,
        tool="ask",
        task_type=task_type_of(args.tool),
        files=tuple(args.files),
        save_to=args.save_to,
        overwrite=args.overwrite,
        edit=args.edit,
        check=args.check,
        tries=args.tries,
        votes=args.votes,
        max_result_tokens=args.max_result_tokens,
        json_schema=schema,
        thread=args.thread,
        verdict=args.verdict,
        on_limit=args.on_limit,
        model=args.model,
        edit_in=args.edit_in,
        fresh=args.fresh,
        connection=f"ask-{os.getpid()}",
    )


async def _schema(path: str) -> Mapping[str, Any]:
    from delegate_mcp.intake.schema import read_schema

    try:
        return read_schema(await anyio.Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--json-schema {path} cannot be read ({type(error).__name__}). Name a file.") from error


async def _follow(call: RunningCall[Reply], *, quiet: bool) -> None:
    shown = not quiet and sys.stderr.isatty()
    while not call.done.is_set():
        with anyio.move_on_after(PROGRESS_EVERY_S):
            await call.done.wait()
        if shown and call.progress.label:
            sys.stderr.write(f"\r{call.progress.message}\033[K")
            sys.stderr.flush()
    if shown:
        sys.stderr.write("\r\033[K")


def _print(reply: Reply, *, as_json: bool) -> int:
    if as_json:
        print_json({"text": reply.answer if not reply.is_error else "", **reply.meta.get("delegate", {})})
    elif reply.is_error:
        print(reply.text, file=sys.stderr)
    else:
        print(reply.text)
    return 1 if reply.is_error else 0
