"""Where a batch's items come from: a list, files, or a file of items; one after another, never all at once.

All of it reads the disk: callers run it in a worker thread.
"""

import codecs
import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from delegate_mcp.batch.request import BatchRequest
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import URL
from delegate_mcp.intake.find import expand, files_under, is_glob
from delegate_mcp.intake.git import PREFIX
from delegate_mcp.intake.ignored import Ignored
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.opening import NotRegularError

MOST_ITEMS = 50_000
"""More are several batches."""
_MOST_BYTES = 200_000_000
"""Of a file whose items are read one by one."""
_MOST_ARRAY_BYTES = 20_000_000
"""Of a JSON array, which is read whole."""
_LONGEST = 1_000_000
"""Characters of one item."""
_INTAKES_OWN = (PREFIX, URL)
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def items_of(ask: BatchRequest, roots: Roots) -> Iterator[Any]:
    """The items in their order. InputError: something other than one source of items, or one that cannot be used."""
    given = [name for name in ("items", "files", "items_file") if getattr(ask, name) is not None]
    if len(given) != 1:
        raise InputError(f"Give one of items, files, items_file, not {' and '.join(given) or 'none of them'}.")
    if ask.items_file is not None:
        return _checked(_from_file(ask.items_file, roots), ask.items_file)
    return _checked(ask.items if ask.items is not None else _paths(ask.files or (), roots), given[0])


def _checked(items: Iterable[Any], source: str) -> Iterator[Any]:
    for count, item in enumerate(items, 1):
        if count > MOST_ITEMS:
            raise InputError(
                f"{source} holds more than {MOST_ITEMS:,} items, as many as a batch takes. Nothing was sent. Make "
                "several batches of it."
            )
        if isinstance(item, str) and len(item) > _LONGEST:
            raise InputError(
                f"Item {count - 1} of {source} has more than {_LONGEST:,} characters. Nothing was sent. Give long "
                "texts as `files`."
            )
        yield item


def _paths(names: Iterable[str], roots: Roots) -> Iterator[str]:
    """Each file once; what only intake can read (lines of a file, git, a URL) is an item as it stands."""
    ignored = Ignored(roots, roots.other_names())
    seen: set[str] = set()
    for name in names:
        for path in _expanded(name, roots, ignored):
            if path not in seen:
                seen.add(path)
                yield path


def _expanded(name: str, roots: Roots, ignored: Ignored) -> Sequence[str]:
    if name.startswith(_INTAKES_OWN):
        return (name,)
    there = any(os.path.lexists(place) for place in roots.places(name))
    if not there and is_glob(name):
        return _usable(name, expand(name, roots, ignored), roots)
    if there and (real := roots.resolve_read(name)).is_dir():
        return _usable(name, files_under(real, name, roots, ignored), roots)
    return (name,)


def _usable(name: str, matches: Iterable[Path], roots: Roots) -> list[str]:
    usable: list[str] = []
    for match in matches:
        try:
            usable.append(roots.shown(roots.resolve_read(str(match))))
        except InputError:  # outside, or it holds credentials
            continue
    if not usable:
        raise InputError(f"{name} matches no file that can be sent. Nothing was sent.")
    return usable


# --- A file of items -------------------------------------------------------------------------------------------------


def _from_file(name: str, roots: Roots) -> Iterator[Any]:
    real = roots.resolve_read(name)
    read, most = _FORMATS.get(real.suffix.lower(), (_lines, _MOST_BYTES))
    try:
        handle = roots.open_read(name, real, roots.other_names())
        with os.fdopen(handle, "rb") as file:
            if os.fstat(handle).st_size > most:
                raise InputError(f"{name} is larger than {most:,} bytes, the most for {real.suffix or 'such a'} file.")
            with _decoded(file, handle) as text:
                yield from read(text, name)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no UTF-8 text (byte {error.start:,}). Save it as UTF-8.") from error
    except FileNotFoundError as error:
        raise InputError(f"{name} is not there. Paths are relative to {roots.told()}.") from error
    except IsADirectoryError as error:
        raise InputError(f"{name} is a directory. Give it as `files`: each file is an item.") from error
    except NotRegularError as error:
        raise InputError(f"{name} is no regular file. Name a text file.") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error


def _decoded(file: io.BufferedReader, handle: int) -> TextIO:
    head = os.read(handle, 2)
    os.lseek(handle, 0, os.SEEK_SET)
    encoding = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "utf-8-sig")
    return io.TextIOWrapper(file, encoding=encoding, newline="")


def _lines(text: TextIO, name: str) -> Iterator[str]:
    for line in _bounded(text, name):
        if "\0" in line:
            raise InputError(f"{name} is binary, not text.")
        if stripped := line.strip():
            yield stripped


def _json_lines(text: TextIO, name: str) -> Iterator[Any]:
    for number, line in enumerate(_bounded(text, name), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise InputError(f"{name}, line {number}, is no JSON: {error}.") from error


def _json_array(text: TextIO, name: str) -> Iterator[Any]:
    try:
        found: Any = json.load(text)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON: {error}. One value a line belongs into a .jsonl file.") from error
    if not isinstance(found, list):
        raise InputError(f"{name} holds no JSON array. Give an array, or one value a line in a .jsonl file.")
    yield from found


def _rows(text: TextIO, name: str) -> Iterator[Mapping[str, Any]]:
    delimiter = "\t" if Path(name).suffix.lower() == ".tsv" else ","
    try:
        for row in csv.DictReader(text, delimiter=delimiter):
            row.pop(None, None)  # pyright: ignore[reportArgumentType] - what stands beyond the head has this key
            yield {key: value or "" for key, value in row.items()}
    except csv.Error as error:
        raise InputError(f"{name} is no CSV: {error}.") from error


def _bounded(text: TextIO, name: str) -> Iterator[str]:
    """Lines, none of them longer than an item may be: a file without line ends is not read whole."""
    while line := text.readline(_LONGEST + 1):
        if len(line) > _LONGEST:
            raise InputError(f"{name} has a line of more than {_LONGEST:,} characters. Give long texts as `files`.")
        yield line


_Read = Callable[[TextIO, str], Iterator[Any]]

_FORMATS: Mapping[str, tuple[_Read, int]] = {
    ".jsonl": (_json_lines, _MOST_BYTES),
    ".ndjson": (_json_lines, _MOST_BYTES),
    ".json": (_json_array, _MOST_ARRAY_BYTES),
    ".csv": (_rows, _MOST_BYTES),
    ".tsv": (_rows, _MOST_BYTES),
}
"""How a kind of file is read, and how large it may be; any other has an item on each line."""
