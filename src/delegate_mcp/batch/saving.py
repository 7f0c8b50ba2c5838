"""`save_to` of a batch: its results are copied into the person's file, whole or not at all, never over one there."""

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from delegate_mcp import opening
from delegate_mcp.domain.errors import InputError

_COMPARED_AT_ONCE = 1 << 20


def check_free(save_to: str, resolve: Callable[[str], Path]) -> None:
    """InputError: the results could not be saved there at the end."""
    if os.path.lexists(resolve(save_to)):
        raise InputError(f"save_to: {save_to} exists and is never overwritten. Give another name.")


def save_results(results: Path, save_to: str, resolve: Callable[[str], Path]) -> None:
    """Copy the results there. InputError: they could not be; a copy that a server before us made counts as ours."""
    kept = f"The results are kept: {results}"
    try:
        target = resolve(save_to)
        with opening.directory(target.parent, make=True) as parent:
            _check_place(parent, target, save_to, resolve)
            draft = f".{target.name[:100]}.{secrets.token_hex(4)}.part"
            try:
                _copy(results, parent, draft)
                _check_place(parent, target, save_to, resolve)
                _put(results, parent, draft, target.name)
            finally:
                parent.remove(draft)
    except FileExistsError as error:
        raise InputError(f"Not saved: {save_to} exists and is never overwritten. {kept}") from error
    except InputError as error:
        raise InputError(f"Not saved: {error} {kept}") from error
    except OSError as error:
        raise InputError(f"Not saved: {save_to} cannot be written ({error.strerror}). {kept}") from error


def _put(results: Path, parent: opening.Directory, draft: str, name: str) -> None:
    try:
        parent.link(draft, name)
    except FileExistsError:
        if not _same(results, parent, name):
            raise
    except OSError:  # a file system without links
        _copy(results, parent, name)


def _copy(results: Path, parent: opening.Directory, name: str) -> None:
    with results.open("rb") as source, os.fdopen(parent.create(name), "wb") as file:
        try:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            parent.remove(name)
            raise


def _same(results: Path, parent: opening.Directory, name: str) -> bool:
    with results.open("rb") as ours, os.fdopen(parent.open(name), "rb") as theirs:
        while part := ours.read(_COMPARED_AT_ONCE):
            if theirs.read(len(part)) != part:
                return False
        return not theirs.read(1)


def _check_place(parent: opening.Directory, target: Path, save_to: str, resolve: Callable[[str], Path]) -> None:
    """The directory that is held is still one that may be written."""
    real = (parent.place() or target.parent) / target.name
    if resolve(str(real)) != real:
        raise InputError(f"{save_to} changed its place while it was written.")
