"""What a director asks of a batch, and what of it is kept on disk while it runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from delegate_mcp.batch.template import fill
from delegate_mcp.domain.request import DelegateRequest

TOOL = "delegate_batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """One call of `delegate_batch`; exactly one of items, files and items_file is given."""

    asked: DelegateRequest
    """What every item's call has in common; its `save_to` is the batch's."""
    items: Sequence[Any] | None = None
    files: Sequence[str] | None = None
    """Paths and globs: each file is an item."""
    items_file: str | None = None
    calls: bool = False
    """Each item is a whole call of its own, `{"prompt": …, "model": …}`, as `delegate-mcp evaluate` makes them."""
    batch_id: str | None = None
    """Made by who has noted it already, so as to find the batch again; None: a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSpec:
    """A batch as it stands in its folder: what another server needs to go on with it."""

    batch_id: str
    of: Literal["items", "files", "calls"]
    total: int
    created_at: float
    prompt: str
    task_type: str
    json_schema: Mapping[str, Any] | None
    save_to: str | None
    connection: str
    conversation: str | None
    roots: tuple[str, ...] | None
    """The directories that its calls may touch."""
    written: int = 0
    """What the director wrote to ask for it (estimate)."""
    listing: int = 0
    """Schemas and instructions that it read before."""
    tool: str = TOOL

    def request(self, item: Any) -> DelegateRequest:
        """The call for one item. InputError: the item lacks a field that the prompt names."""
        if self.of == "calls":
            # Measured, not used: it is asked anew whatever was answered before, and nothing is counted as saved.
            return DelegateRequest(
                **item | {"files": tuple(item.get("files", ()))},
                tool=self.tool,
                connection=self.connection,
                fresh=True,
                spares=False,
                in_batch=True,
            )
        return DelegateRequest(
            prompt=fill(self.prompt, item),
            tool=TOOL,
            task_type=self.task_type,
            files=(str(item),) if self.of == "files" else (),
            json_schema=self.json_schema,
            connection=self.connection,
            conversation=self.conversation,
            roots=None if self.roots is None else tuple(map(Path, self.roots)),
            in_batch=True,
        )

    @property
    def director(self) -> DelegateRequest:
        """The director's own call, for what it spent; of an evaluation no director reads."""
        return DelegateRequest(
            prompt="",
            director_input_tokens=self.written,
            listing_tokens=self.listing,
            in_batch=self.of == "calls",
        )

    def as_json(self) -> bytes:
        """The spec as its file holds it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "BatchSpec":
        """The spec of a file. ValueError, TypeError: it is none."""
        fields: dict[str, Any] = json.loads(data)
        if fields["roots"] is not None:
            fields["roots"] = tuple(fields["roots"])
        return cls(**fields)
