"""The URLs of a call: shown to the privacy gate before anybody is asked for them, then fetched and framed."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import URL, Part

if TYPE_CHECKING:
    from delegate_mcp.intake.pages import Page

Fetch = Callable[..., Awaitable["tuple[Page, ...]"]]
"""`pages.fetch_pages`, but for where it connects to."""
_NAMED_TOKENS = 1_000_000
"""Of pages that are named in `files`: their size in bytes limits them."""


def fetching(*, allow_private: bool) -> Fetch:
    """What fetches pages from the real web."""
    from delegate_mcp.intake.pages import fetch_pages

    return partial(fetch_pages, allow_private=allow_private)


def urls_of(prompt: str) -> tuple[str, ...]:
    """The URLs that a prompt names."""
    from delegate_mcp.intake.pages import urls_in

    return urls_in(prompt)


def shown(url: str) -> Part:
    """A URL as the gate is shown it: also as it reads without percent signs. It has no name that could be told."""
    return Part("a URL", "\n".join(dict.fromkeys((url, unquote(url)))), url)


async def read_named(parts: Sequence[Part], fetch: Fetch) -> tuple[Part, ...]:
    """The parts with the text of their pages. InputError: one of them cannot be had."""
    urls = [part.url for part in parts if part.url]
    pages = {page.url: page for page in await fetch(urls, max_tokens=_NAMED_TOKENS)} if urls else {}
    for page in pages.values():
        if page.problem:
            raise InputError(f"{URL}{page.url} {page.problem}. Nothing was sent; leave it out, or give its text.")
    return tuple(Part(part.url, pages[part.url].text, part.url) if part.url else part for part in parts)


async def read_mentioned(urls: Sequence[str], fetch: Fetch) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The pages that can be had, and notes of the others and of those that were cut."""
    pages = await fetch(urls) if urls else ()
    missing = [f"{page.url} {page.problem}" for page in pages if page.problem]
    cut = [
        f"{page.url} at {len(page.text)} of {page.whole_chars}" for page in pages if len(page.text) < page.whole_chars
    ]
    notes: list[str] = []
    if missing:
        notes.append(f"{pages_told(missing)} not read: {'; '.join(missing)}")
    if cut:
        notes.append(f"{pages_told(cut)} cut: {'; '.join(cut)} characters")
    return tuple(Part(page.url, page.text, page.url) for page in pages if not page.problem), tuple(notes)


def pages_told(pages: Iterable[object]) -> str:
    """How many."""
    count = len(list(pages))
    return f"{count} {'page' if count == 1 else 'pages'}"
