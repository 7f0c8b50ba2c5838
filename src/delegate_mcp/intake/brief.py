"""From a request to a brief: everything that will be sent is read, checked and sized before anyone is asked.

Pages are fetched last: only when the privacy gate has passed all that is known before them, their URLs included; and
with what they say, the whole goes through the gate.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio.to_thread

from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.brief import Brief, Message, Original
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.request import DelegateRequest
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake import urls
from delegate_mcp.intake.editing import EDITING, read_originals
from delegate_mcp.intake.files import URL, FilesRead, Part, read_files
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.intake.schema import read_schema
from delegate_mcp.intake.thread import Thread, earlier_turns
from delegate_mcp.intake.urls import Fetch
from delegate_mcp.ledger.results import ResultStore
from delegate_mcp.privacy.gate import guard

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
    fetches: bool = True,
    fetch: Fetch | None = None,
) -> Brief:
    """Read what the request names, and let it through the privacy gate. InputError: nothing was sent to any model.

    `local_only` makes the brief private, as a private turn of its thread does. `with_pages`: fetch the URLs of the
    prompt beside those of `files`; a private brief fetches none. Without `fetches` nobody is asked for any: each URL
    stands in the place of its page, for a plan.
    """
    prompt = _clean(request.prompt).strip()
    if not prompt:
        raise InputError("The prompt is empty. Say what is to be done.")
    schema = None if request.json_schema is None else read_schema(request.json_schema)
    files, thread, edit_in, originals = await anyio.to_thread.run_sync(_read, request, settings, roots, store)
    system = f"{SYSTEM}\n{EDITING}" if request.edit else SYSTEM
    draft = Brief(
        messages=(Message("system", system), *thread.messages, Message("user", prompt)),
        prompt=prompt,
        input_tokens=0,
        private=local_only or thread.private,
        json_schema=schema,
        edit_in=edit_in,
        originals=originals,
        old_turns=thread.old,
        notes=(*files.notes, *thread.notes),
    )
    named = [part.url for part in files.parts if part.url]
    mentioned = [url for url in urls.urls_of(prompt) if url not in named] if with_pages else []
    if not named and not mentioned:
        return await _guarded(_with(draft, files.parts), settings)
    return await _Fetching(settings, draft, files.parts, fetches, fetch).brief(mentioned)


@dataclass(frozen=True, slots=True)
class _Fetching:
    """A brief for which pages are to be fetched."""

    settings: Settings
    draft: Brief
    parts: tuple[Part, ...]
    fetches: bool
    fetch: Fetch | None

    async def brief(self, mentioned: Sequence[str]) -> Brief:
        """The brief with its pages; without those of the prompt where it may not leave this machine."""
        looked_at = [*map(urls.shown, mentioned), *(urls.shown(part.url) if part.url else part for part in self.parts)]
        verdict = await _guarded(_with(self.draft, looked_at), self.settings)
        if verdict.private:
            return self._kept_here(verdict, mentioned)
        text = verdict.messages[-1].text
        refused = {part.url for part in looked_at if part.url and part.framed not in text}
        if any(part.url in refused for part in self.parts):
            raise InputError(f"Nothing was fetched: the URL of a {URL} entry holds a secret. Take it out.")
        if not self.fetches:
            return verdict
        fetch = self.fetch or urls.fetching(allow_private=self.settings.files.allow_private_urls)
        parts = await urls.read_named(self.parts, fetch)
        pages, notes = await urls.read_mentioned([url for url in mentioned if url not in refused], fetch)
        if refused:
            notes += (f"{urls.pages_told(refused)} not fetched: the URL holds a secret",)
        return await _guarded(_with(self.draft, (*pages, *parts), notes), self.settings)

    def _kept_here(self, verdict: Brief, mentioned: Sequence[str]) -> Brief:
        if any(part.url for part in self.parts):
            why = verdict.kept_here or "the call is private"
            raise InputError(f"Nothing was fetched: {why}, and a {URL} entry would tell its host of it. Give the text.")
        note = f"{urls.pages_told(mentioned)} not fetched: the call stays on this machine"
        plain = _with(self.draft, self.parts)
        return replace(plain, private=True, kept_here=verdict.kept_here, notes=(*verdict.notes, note))


async def _guarded(brief: Brief, settings: Settings) -> Brief:
    return await anyio.to_thread.run_sync(guard, brief, settings.privacy)


def _with(draft: Brief, parts: Sequence[Part], notes: Sequence[str] = ()) -> Brief:
    """The brief with its parts before the prompt, and its size."""
    text = "\n\n".join([*(part.framed for part in parts), draft.prompt])
    images = tuple(part.image for part in parts if part.image is not None)
    messages = (*draft.messages[:-1], Message("user", text, images))
    tokens = sum(estimate_tokens(message.text) + _PER_MESSAGE_TOKENS for message in messages)
    tokens += sum(image.tokens for message in messages for image in message.images)
    return replace(
        draft,
        messages=messages,
        input_tokens=tokens + (estimate_tokens(json.dumps(dict(draft.json_schema))) if draft.json_schema else 0),
        files=tuple(part.sent for part in parts),
        pages=tuple(part.url for part in parts if part.url),
        notes=(*draft.notes, *notes),
    )


def _read(
    request: DelegateRequest, settings: Settings, roots: Roots, store: ResultStore
) -> tuple[FilesRead, Thread, Path | None, tuple[Original, ...]]:
    """All that touches the disk, in a worker thread; what would fail at the end fails now."""
    if request.save_to is not None:
        _check_target(request.save_to, roots.resolve_write(request.save_to), overwrite=request.overwrite)
    edit_in = None if request.edit_in is None else roots.resolve_directory(request.edit_in)
    thread = Thread() if request.thread is None else earlier_turns(request.thread, store, settings.calls.thread_tokens)
    files = read_files(request.files, roots=roots, limits=settings.files)
    originals = read_originals(files.parts, roots, settings.files.max_file_bytes) if request.edit else ()
    return files, thread, edit_in, originals


def _check_target(save_to: str, target: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise InputError(f"save_to: {save_to} exists. Give another name, or overwrite=true.")
    if not target.is_file():
        raise InputError(f"save_to: {save_to} is no regular file, so it is not overwritten. Give another name.")


def _clean(text: str) -> str:
    """Text that can be written as UTF-8: halves of a split character are joined, or replaced where one is missing."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
