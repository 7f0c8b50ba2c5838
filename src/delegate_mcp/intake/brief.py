"""From a request to a brief: everything that will be sent is read, checked and sized before anyone is asked."""

import html
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.brief import Brief, FileSent, Message
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.intake.schema import read_schema
from delegate_mcp.intake.thread import Thread, earlier_turns
from delegate_mcp.ledger.results import ResultStore

if TYPE_CHECKING:
    from delegate_mcp.intake.pages import Page

Fetch = Callable[[Sequence[str]], Awaitable["tuple[Page, ...]"]]

SYSTEM = "A program reads your answer. Give the result itself: no preamble, no closing words, no questions back."
_PER_MESSAGE_TOKENS = 4
"""What a service adds for the frame of a message."""


async def prepare(
    request: DelegateRequest,
    *,
    settings: Settings,
    roots: Roots,
    store: ResultStore,
    local_only: bool,
    with_pages: bool = False,
    fetch: Fetch | None = None,
) -> Brief:
    """Read what the request names. InputError: it cannot be used, and nothing was sent anywhere.

    `local_only` makes the brief private, as a private turn of its thread does. `with_pages`: fetch the URLs of the
    prompt, unless the brief is private.
    """
    prompt = _clean(request.prompt).strip()
    if not prompt:
        raise InputError("The prompt is empty. Say what is to be done.")
    schema = None if request.json_schema is None else read_schema(request.json_schema)
    files, thread, edit_in = await anyio.to_thread.run_sync(_read, request, settings, roots, store)
    private = local_only or thread.private
    pages = await _pages(prompt, fetch) if with_pages and not private else ()
    fetched = [page for page in pages if not page.problem]
    text = "\n\n".join([*map(_page_frame, fetched), *([files.text] if files.text else []), prompt])
    messages = (Message("system", SYSTEM), *thread.messages, Message("user", text))
    tokens = sum(estimate_tokens(message.text) + _PER_MESSAGE_TOKENS for message in messages)
    return Brief(
        messages=messages,
        prompt=prompt,
        input_tokens=tokens + (estimate_tokens(json.dumps(dict(schema))) if schema else 0),
        files=files.manifest
        + tuple(FileSent(page.url, estimate_tokens(page.text), len(page.text)) for page in fetched),
        pages=tuple(page.url for page in fetched),
        private=private,
        json_schema=schema,
        edit_in=edit_in,
        notes=(*files.notes, *thread.notes, *_page_notes(pages)),
    )


def _read(
    request: DelegateRequest, settings: Settings, roots: Roots, store: ResultStore
) -> tuple[FilesRead, Thread, Path | None]:
    """All that touches the disk, in a worker thread; what would fail at the end fails now."""
    if request.save_to is not None:
        target = roots.resolve_write(request.save_to)
        if os.path.lexists(target):
            raise InputError(f"save_to: {request.save_to} exists and is never overwritten. Give another name.")
    edit_in = None if request.edit_in is None else roots.resolve_directory(request.edit_in)
    thread = Thread() if request.thread is None else earlier_turns(request.thread, store)
    return read_files(request.files, roots=roots, limits=settings.files), thread, edit_in


async def _pages(prompt: str, fetch: Fetch | None) -> "tuple[Page, ...]":
    from delegate_mcp.intake.pages import fetch_pages, urls_in

    urls = urls_in(prompt)
    return await (fetch or fetch_pages)(urls) if urls else ()


def _page_frame(page: "Page") -> str:
    return f'<page url="{html.escape(page.url)}">\n{page.text}\n</page>'


def _page_notes(pages: "Sequence[Page]") -> list[str]:
    missing = [f"{page.url} {page.problem}" for page in pages if page.problem]
    cut = [
        f"{page.url} at {len(page.text)} of {page.whole_chars}" for page in pages if len(page.text) < page.whole_chars
    ]
    notes: list[str] = []
    if missing:
        notes.append(f"{len(missing)} {'page' if len(missing) == 1 else 'pages'} not read: {'; '.join(missing)}")
    if cut:
        notes.append(f"{len(cut)} {'page' if len(cut) == 1 else 'pages'} cut: {'; '.join(cut)} characters")
    return notes


def _clean(text: str) -> str:
    """Text that can be written as UTF-8: halves of a split character are joined, or replaced where one is missing."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
