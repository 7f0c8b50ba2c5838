"""The name under which reports know a project's directory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePath

_HASH_CHARS = 6


def project_label(directory: PurePath | str, *, named: bool = True) -> str:
    """Its last name and a few characters of its path's hash, which tell `work/api` from `home/api`.

    With `named` False the hash alone, for a ledger that others read: the same project, without its name.
    """
    path = PurePath(directory)
    mark = hashlib.sha256(str(path).encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
    return f"{path.name}-{mark}" if named and path.name else mark


def project_of(roots: Sequence[Path], *, named: bool) -> str | None:
    """The label of the directory that a call was made in: the first that it may touch."""
    return project_label(roots[0], named=named) if roots else None
