"""`delegate-mcp dashboard`: the report as a page with plots, in the browser of this machine."""

import argparse
import os
import secrets
import socket
import sys
import webbrowser

import anyio
from anyio import to_thread

from delegate_mcp.cli.running import opened_app
from delegate_mcp.dashboard.serving import DashboardServer
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.platforms import has_screen

HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--port", type=int, default=0, help="port of this machine; default: any that is free")
    parser.add_argument("--no-open", action="store_true", help="print the address, open no browser")


async def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl+C."""
    token = secrets.token_urlsafe(24)
    async with opened_app() as app:
        with _listening(args.port) as listening:
            address = f"http://{HOST}:{listening.getsockname()[1]}/{token}/"
            sys.stdout.write(f"{address}\n")
            sys.stdout.flush()
            sys.stderr.write("The dashboard is at this address, for this machine alone, until Ctrl+C.\n")
            async with anyio.create_task_group() as tasks:
                if not args.no_open and has_screen(os.environ):
                    tasks.start_soon(_show, address)
                await DashboardServer(app, token).serve_on(listening)
                tasks.cancel_scope.cancel()
    return 0


async def _show(address: str) -> None:
    await to_thread.run_sync(webbrowser.open, address, abandon_on_cancel=True)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        raise ConfigError(f"The dashboard cannot use port {port} ({error}). Leave --port out: any does.") from error
