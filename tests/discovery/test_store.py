"""The lists on disk."""

import json
import stat
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from delegate_mcp.discovery.store import ListStore
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.listed import ListedModel, ListPrice

KNOWN = ProviderList(
    models=(
        ListedModel(
            model="a:free", aliases=("b",), context_tokens=10, max_output_tokens=5, inputs=("text", "image"),
            capabilities=frozenset({"tools"}), tells=frozenset({"tools", "vision"}),
            price=ListPrice(Decimal("0.1"), Decimal(0)), free=True,
        ),
        ListedModel(model="c"),
    ),
    found_at=1.5, asked_at=2.5, failures=1, error="no", scans=3, avoided=4, listing_ms=12.5,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> ListStore:
    return ListStore(tmp_path / "lists")


@pytest.fixture
def place(store: ListStore) -> Path:
    return store.place("groq", "https://x", "mark")


def test_what_is_written_is_read_again_whole(store: ListStore, place: Path) -> None:
    assert store.read(place) == ProviderList()
    assert store.stamp(place) == 0
    store.write(place, KNOWN)
    assert store.read(place) == KNOWN
    assert store.stamp(place) > 0
    if sys.platform != "win32":
        assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_another_key_or_address_has_a_list_of_its_own(store: ListStore, place: Path) -> None:
    assert len({place, store.place("groq", "https://x", "other"), store.place("groq", "https://y", "mark")}) == 3
    assert "mark" not in place.name


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "nonsense", "\x00\x01", "[" * 100_000, '{"form": 2}',
        json.dumps({"form": 1, "models": [{"model": ""}]}),
        json.dumps({"form": 1, "models": [{"model": "m", "price": {"input": "dear", "output": "1"}}]}),
    ],
)  # fmt: skip
def test_a_broken_file_is_left_aside_with_a_warning(
    store: ListStore, place: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(place, KNOWN)
    place.write_text(text, encoding="utf-8")
    assert store.read(place) == ProviderList()
    assert "is left aside, and asked for anew" in caplog.text
    store.write(place, KNOWN)
    assert store.read(place) == KNOWN


def test_fields_that_are_of_the_wrong_kind_are_not_believed(store: ListStore, place: Path) -> None:
    store.write(place, KNOWN)
    wrong = {"found_at": float("inf"), "asked_at": "x", "failures": -1, "scans": True, "avoided": 1e99, "models": 3}
    text = json.dumps({"form": 1} | wrong)
    place.write_text(text, encoding="utf-8")
    assert store.read(place) == ProviderList()


def test_a_disk_that_takes_nothing_costs_nobody_an_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "lists").write_text("a file where the directory should be", encoding="utf-8")
    store = ListStore(tmp_path / "lists")
    place = store.place("groq", "", "")
    store.write(place, KNOWN)
    assert store.read(place) == ProviderList()
    assert "cannot be kept" in caplog.text
