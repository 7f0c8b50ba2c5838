"""From what is asked of a batch to its folder on disk: what would fail at the end, or for every item, fails here."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from delegate_mcp.batch.folder import BatchFolders
from delegate_mcp.batch.ids import new_batch_id
from delegate_mcp.batch.items import items_of
from delegate_mcp.batch.request import BatchRequest, BatchSpec
from delegate_mcp.batch.saving import check_free
from delegate_mcp.batch.template import has_place
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.request import AUTO
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.ledger.base import CallStart

TASK_TYPE = "batch"
"""Of a batch whose items are each found out: what it cost its director is told under that name."""


def keep(ask: BatchRequest, folders: BatchFolders, fence: Roots, now: float) -> tuple[BatchSpec, Any]:
    """Put the items on disk; the spec, which is yet to be put there, and the first item. Touches the disk."""
    asked = ask.asked
    if ask.files is None and not ask.calls and not has_place(asked.prompt):
        raise InputError("The prompt has no {item} (or {item.field}): every item would get the same words.")
    if asked.save_to is not None:
        check_free(asked.save_to, fence.resolve_write)
    spec = BatchSpec(
        batch_id=ask.batch_id or new_batch_id(),
        of="calls" if ask.calls else "items" if ask.files is None else "files",
        total=0,
        created_at=now,
        prompt=asked.prompt,
        task_type=asked.task_type,
        json_schema=asked.json_schema,
        save_to=asked.save_to,
        connection=asked.connection,
        conversation=asked.conversation,
        roots=None if asked.roots is None else tuple(map(str, asked.roots)),
        written=asked.director_input_tokens,
        listing=asked.listing_tokens,
        tool=asked.tool,
    )
    items: Iterator[Any] = iter(items_of(ask, fence))
    try:
        first = next(items)
    except StopIteration as nothing:
        raise InputError("There are no items. Nothing was sent.") from nothing
    spec.request(first)  # names a field that there is
    return replace(spec, total=folders.folder(spec.batch_id).put_items(chain((first,), items))), first


def call_start(spec: BatchSpec, project: str | None) -> CallStart:
    """The director's own call as the ledger has it: its items are calls of their own."""
    return CallStart(
        call_id=spec.batch_id,
        started_at=spec.created_at,
        tool=spec.tool,
        task_type=TASK_TYPE if spec.task_type == AUTO else spec.task_type,
        complexity="simple",
        rule="batch",
        reason=f"{spec.total} items",
        private=spec.task_type == "private",
        connection=spec.connection,
        conversation=spec.conversation,
        parent=None,
        pid=os.getpid(),
        input_tokens=spec.written,
        project=project,
    )
