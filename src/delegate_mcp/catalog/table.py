"""One table of a TOML file, read key by key: wrong types and unknown keys are ConfigErrors that name the place."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from delegate_mcp.domain.errors import ConfigError


def nearest(word: str, among: Iterable[str]) -> str:
    """` Did you mean 'x'?`, or nothing where nothing is near."""
    found = difflib.get_close_matches(word, list(among), n=1, cutoff=0.5)
    return f" Did you mean {found[0]!r}?" if found else ""


class Table:
    """A table and where it stands; `where` gives the place of one key (or of the table, for "")."""

    def __init__(self, data: object, where: Callable[[str], str]) -> None:
        if not isinstance(data, Mapping):
            raise ConfigError(f"{where('')}: this must be a table.")
        self._data = cast("Mapping[str, object]", data)
        self._where = where

    def place(self, key: str = "") -> str:
        """Where that key stands, for a message."""
        return self._where(key)

    def only(self, known: Iterable[str]) -> None:
        """ConfigError for a key that is not among the known ones."""
        keys = tuple(known)
        for key in self._data:
            if key not in keys:
                raise ConfigError(f"{self.place(key)}: unknown key {key!r}.{nearest(key, keys)}")

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def keys(self) -> tuple[str, ...]:
        """All keys, in the file's order."""
        return tuple(self._data)

    def raw(self, key: str) -> object:
        """The value as TOML gave it, None where it is missing."""
        return self._data.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._data.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self._wrong(key, "a text")
        return value

    def whole(self, key: str, default: int | None = None, *, low: int = 0, high: int | None = None) -> int:
        """A whole number within bounds."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            bounds = f"from {low} to {high}" if high is not None else f"of {low} or more"
            raise self._wrong(key, f"a whole number {bounds}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A number of 0 or more."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise self._wrong(key, "a number of 0 or more")
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None, *, among: Iterable[str] = ()) -> tuple[str, ...]:
        """A list of texts, of a closed set where one is given."""
        value = self._data.get(key, default)
        rows = cast("list[object]", value) if isinstance(value, list | tuple) else None
        if rows is None or not all(isinstance(row, str) and row for row in rows):
            raise self._wrong(key, "a list of texts")
        words = tuple(cast("list[str]", rows))
        closed = tuple(among)
        for word in words:
            if closed and word not in closed:
                known = ", ".join(closed)
                raise ConfigError(
                    f"{self.place(key)}: {key} holds {word!r}, which is none of {known}.{nearest(word, closed)}"
                )
        return words

    def wholes(self, key: str, *, high: int) -> tuple[int, ...]:
        """A list of whole numbers from 0 to `high`."""
        value = self._data.get(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list of whole numbers")
        rows = cast("list[object]", value)
        numbers = [row for row in rows if isinstance(row, int) and not isinstance(row, bool) and 0 <= row <= high]
        if len(numbers) != len(rows):
            raise self._wrong(key, f"a list of whole numbers from 0 to {high}")
        return tuple(numbers)

    def table(self, key: str) -> "Table":
        """A table below this one, empty where it is missing."""
        return Table(self._data.get(key, {}), lambda inner: f"{self.place(key)}{f', key {inner!r}' if inner else ''}")

    def rows(self, key: str) -> "list[Table]":
        """The tables of an array of tables, none where it is missing."""
        value = self._data.get(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, "a list of tables")
        entries = cast("list[object]", value)
        return [Table(row, _place_of_row(self, key, number, row)) for number, row in enumerate(entries, 1)]

    def _wrong(self, key: str, what: str) -> ConfigError:
        if key not in self._data:
            return ConfigError(f"{self.place()}: the key {key!r} is missing; it must be {what}.")
        return ConfigError(f"{self.place(key)}: {key} must be {what}, not {self._data[key]!r}.")


def _place_of_row(above: Table, key: str, number: int, row: object) -> Callable[[str], str]:
    name = ""
    if isinstance(row, Mapping):
        fields = cast("Mapping[str, object]", row)
        name = next((f" ({fields[named]})" for named in ("id", "name", "match", "use") if named in fields), "")

    def place(inner: str) -> str:
        return f"{above.place()}, {key} row {number}{name}{f', key {inner!r}' if inner else ''}"

    return place
