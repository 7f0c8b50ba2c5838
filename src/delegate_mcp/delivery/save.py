"""`save_to`: the answer goes to a file, the director gets a receipt."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from delegate_mcp import opening
from delegate_mcp.delivery.fences import blocks
from delegate_mcp.delivery.untrusted import for_file, for_reader
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
    answer = for_file(answer)
    block = sole_block(answer) if is_code_path(target) else None
    text = answer if block is None else block
    if text and not text.endswith("\n"):
        text += "\n"
    data = text.encode("utf-8", "replace")
    kept = f"The answer is kept: delegate_result {call_id}."
    try:
        with opening.directory(target.parent, make=True) as parent:
            _put(parent, target.name, data, lambda: _check_place(parent, target, save_to, resolve))
    except InputError as error:
        raise InputError(f"Not saved: {error} {kept}") from error
    except FileExistsError as error:
        raise InputError(f"Not saved: {save_to} exists and is never overwritten. {kept}") from error
    except OSError as error:
        raise InputError(f"Not saved: {save_to} cannot be written ({error.strerror}). {kept}") from error
    lines = text.splitlines()
    first = tuple(for_reader(line[:_LINE_CHARS]) for line in lines[:_FIRST_LINES])
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


def _check_place(parent: opening.Directory, target: Path, save_to: str, resolve: Callable[[str], Path]) -> None:
    """The directory that is held is still one that may be written: it may have been moved, or a link made of it."""
    real = (parent.place() or target.parent) / target.name
    if resolve(str(real)) != real:
        raise InputError(f"{save_to} changed its place while it was written.")


def _put(parent: opening.Directory, name: str, data: bytes, check: Callable[[], None]) -> None:
    """Write beside the target, then link into place: linking fails where a file is, in one step."""
    check()
    draft = f".{name[:100]}.{secrets.token_hex(4)}.part"
    try:
        _write_new(parent, draft, data)
        check()
        try:
            parent.link(draft, name)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            _write_new(parent, name, data)
    finally:
        parent.remove(draft)


def _write_new(parent: opening.Directory, name: str, data: bytes) -> None:
    with os.fdopen(parent.create(name), "wb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            parent.remove(name)
            raise
