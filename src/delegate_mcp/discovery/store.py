"""The lists on disk, one file for each service, address and key: all server processes of a user share them.

A file is replaced whole. One that cannot be read is as good as none, with a word of warning: it can be fetched again.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from hashlib import blake2s
from pathlib import Path
from typing import Any, cast, get_args

from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.listed import Capability, ListedModel, ListPrice
from delegate_mcp.platforms import FileLock, private_dir, write_private
from delegate_mcp.providers.json_view import mapping, mappings, text
from delegate_mcp.providers.model_lists import MOST_MODELS

logger = logging.getLogger(__name__)

_FORM = 1
_LARGEST_FILE_BYTES = 32_000_000
_CAPABILITIES = frozenset(get_args(Capability))
_MARK_BYTES = 5
_LATEST = 1e11
_MOST = 1_000_000_000


class ListStore:
    """A directory of lists."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, provider: str, base_url: str, key_mark: str) -> Path:
        """The file of that service as this person asks it: another key or address may list other models."""
        mark = blake2s(f"{base_url}\n{key_mark}".encode(), digest_size=_MARK_BYTES).hexdigest()
        return self._folder / f"{provider}-{mark}.json"

    def lock(self, place: Path) -> FileLock:
        """Held by the process that asks; the others leave it to that one. OSError where there can be none."""
        private_dir(self._folder)
        return FileLock(place.with_suffix(".lock"))

    def stamp(self, place: Path) -> int:
        """Changes whenever the file does; 0: there is none."""
        try:
            return place.stat().st_mtime_ns
        except OSError:
            return 0

    def read(self, place: Path) -> ProviderList:
        """What is known; nothing where there is no file, or a broken one."""
        try:
            with place.open("rb") as file:
                return _read(json.loads(file.read(_LARGEST_FILE_BYTES)))
        except FileNotFoundError:
            return ProviderList()
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s is left aside, and asked for anew: %s", place, error)
            return ProviderList()

    def write(self, place: Path, known: ProviderList) -> None:
        """Put it in place whole. A disk that takes nothing costs the next process a request, and nobody an answer."""
        try:
            private_dir(self._folder)
            write_private(place, json.dumps({"form": _FORM, **asdict(known)}, default=_plain).encode())
        except OSError as error:
            logger.warning("The list of models cannot be kept in %s: %s", place, error)


def _plain(value: object) -> object:
    return sorted(cast("frozenset[str]", value)) if isinstance(value, frozenset) else str(value)


def _read(data: object) -> ProviderList:
    """ValueError where it is not of our form."""
    row = mapping(data)
    if row.get("form") != _FORM:
        raise ValueError("it is of another version or broken")
    return ProviderList(
        models=tuple(map(_model, mappings(row.get("models"))[:MOST_MODELS])),
        listed=_count(row.get("listed")),
        found_at=_number(row.get("found_at")),
        asked_at=_number(row.get("asked_at")),
        failures=_count(row.get("failures")),
        error=text(row.get("error")),
        scans=_count(row.get("scans")),
        avoided=_count(row.get("avoided")),
        listing_ms=_number(row.get("listing_ms")),
    )


def _model(row: Mapping[str, Any]) -> ListedModel:
    if not text(row.get("model")):
        raise ValueError("a model in it has no name")
    found = ListedModel(
        model=row["model"],
        aliases=_words(row.get("aliases")),
        context_tokens=_count(row.get("context_tokens")) or None,
        max_output_tokens=_count(row.get("max_output_tokens")) or None,
        inputs=_words(row.get("inputs")),
        capabilities=_among(row.get("capabilities")),
        tells=_among(row.get("tells")),
        free=row.get("free") is True,
    )
    price = mapping(row.get("price"))
    if not price:
        return found
    try:
        return replace(found, price=ListPrice(Decimal(text(price.get("input"))), Decimal(text(price.get("output")))))
    except InvalidOperation:
        raise ValueError("a price in it is none") from None


def _words(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(word for word in items if isinstance(word, str))


def _among(value: object) -> frozenset[Capability]:
    return frozenset(cast("tuple[Capability, ...]", tuple(word for word in _words(value) if word in _CAPABILITIES)))


def _number(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _LATEST
    return float(cast("float", value)) if good else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST else 0
