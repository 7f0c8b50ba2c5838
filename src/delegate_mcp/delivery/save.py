"""`save_to`: the answer goes to a file, the director gets a receipt."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.delivery.fences import blocks
from delegate_mcp.domain.errors import InputError

_CODE_SUFFIXES = (
    ".asm .awk .bash .bat .c .cc .cfg .cjs .clj .cmake .conf .cpp .cs .css .csv .cts .cxx .dart .diff .el .ex .exs "
    ".erl .fs .go .gradle .graphql .groovy .h .hcl .hpp .hs .htm .html .ini .ipynb .java .jl .js .json .jsonl .jsx "
    ".kt .kts .less .lua .m .mjs .mk .ml .mts .nim .nix .patch .php .pl .proto .ps1 .py .pyi .r .rb .rs .sass .scala "
    ".scss .sh .sol .sql .svelte .svg .swift .tcl .tex .tf .toml .ts .tsv .tsx .v .vb .vue .xml .yaml .yml .zig .zsh"
)
"""Files that hold code or data and no prose. To add a kind: add its suffix."""
_CODE_NAMES = frozenset({"dockerfile", "makefile", "justfile", "jenkinsfile", "procfile", "gemfile", "rakefile"})
_FIRST_LINES = 3
_LINE_CHARS = 100


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written."""

    path: Path
    shown: str
    """The path as the director gave it."""
    size_bytes: int
    lines: int
    first_lines: tuple[str, ...]
    block_only: bool
    """The answer's one code block was saved without the prose around it."""


def save_answer(answer: str, save_to: str, *, resolve: Callable[[str], Path], call_id: str) -> Saved:
    """Write the answer whole or not at all, and never over a file that is there. Touches the disk.

    `resolve` says where the path really is, or raises InputError (`Roots.resolve_write`).
    """
    target = resolve(save_to)
    block = sole_block(answer) if is_code_path(target) else None
    text = answer if block is None else block
    if text and not text.endswith("\n"):
        text += "\n"
    data = text.encode("utf-8", "replace")
    kept = f"The answer is kept: delegate_result {call_id}."
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if resolve(save_to) != target:
            raise InputError(f"Not saved: {save_to} changed its place while it was written. {kept}")
        _put(target, data)
    except FileExistsError as error:
        raise InputError(f"Not saved: {save_to} exists and is never overwritten. {kept}") from error
    except OSError as error:
        raise InputError(f"Not saved: {save_to} cannot be written ({error.strerror}). {kept}") from error
    lines = text.splitlines()
    first = tuple(line[:_LINE_CHARS] for line in lines[:_FIRST_LINES])
    return Saved(target, save_to, len(data), len(lines), first, block is not None)


def sole_block(answer: str) -> str | None:
    """The content of the one fenced code block that an answer has; None where it has none or several."""
    found = blocks(answer)
    if len(found) != 1:
        return None
    block = found[0]
    return answer[block.body : block.body_end]


def is_code_path(path: Path) -> bool:
    """Whether a file of that name holds code or data, not prose."""
    return path.suffix.lower() in _CODE_SUFFIXES.split() or path.name.lower() in _CODE_NAMES


def _put(target: Path, data: bytes) -> None:
    """Write beside the target, then link into place: linking fails where a file is, in one step."""
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        _write_new(draft, data)
        try:
            os.link(draft, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            _write_new(target, data)
    finally:
        draft.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
