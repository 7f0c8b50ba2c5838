"""`save_to`: the answer goes to a file, the director gets a receipt."""

from dataclasses import dataclass
from pathlib import Path

from delegate_mcp.delivery.fences import blocks
from delegate_mcp.delivery.placing import Change, ChangedError, Resolve, content, place
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
_MOST_REPLACED = 64_000_000
"""A larger file is not written over: what was there is held until the new one is in its place."""


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
    change: Change
    made: tuple[Path, ...] = ()
    """Directories that were made for it, the deepest first."""


def save_answer(answer: str, save_to: str, *, resolve: Resolve, call_id: str, overwrite: bool = False) -> Saved:
    """Write the answer whole or not at all, and over a file that is there only with `overwrite`. Touches the disk."""
    target = resolve(save_to)
    answer = for_file(answer)
    block = sole_block(answer) if is_code_path(target) else None
    text = answer if block is None else block
    if text and not text.endswith("\n"):
        text += "\n"
    data = text.encode("utf-8", "replace")
    kept = f"The answer is kept: delegate_result {call_id}."
    try:
        change = Change(target, content(target, _MOST_REPLACED) if overwrite else None, data)
        made = place([change], resolve)
    except InputError as error:
        raise InputError(f"Not saved: {error} {kept}") from error
    except ChangedError as error:
        raise InputError(f"Not saved: {save_to} {error.what}. {kept}") from error
    except FileExistsError as error:
        raise InputError(f"Not saved: {save_to} exists and `overwrite` was not given. {kept}") from error
    except OSError as error:
        raise InputError(f"Not saved: {save_to} cannot be written ({error.strerror}). {kept}") from error
    lines = text.splitlines()
    first = tuple(for_reader(line[:_LINE_CHARS]) for line in lines[:_FIRST_LINES])
    return Saved(target, save_to, len(data), len(lines), first, block is not None, change, made)


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
