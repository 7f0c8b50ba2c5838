"""Where items come from, and how they get into the prompt."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from delegate_mcp.batch.items import items_of
from delegate_mcp.batch.template import fill
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.sandbox import Roots
from tests.batch.scene import asking


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    project = tmp_path / "project"
    project.mkdir()
    return Roots((project,), tmp_path, (tmp_path / "state",))


def items(roots: Roots, **given: Any) -> list[Any]:
    return list(items_of(asking("{item}", **given), roots))


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.txt", "one\n\n  two  \r\nthree", ["one", "two", "three"]),
        ("a.txt", "\ufeffone\n", ["one"]),
        ("noext", "one\ntwo\n", ["one", "two"]),
        ("a.jsonl", '{"n": 1}\n\n"two"\n3\n', [{"n": 1}, "two", 3]),
        ("a.json", '["x", {"y": [1]}]', ["x", {"y": [1]}]),
        ("a.csv", 'name,age\nAnna,30\n"B, C",\n', [{"name": "Anna", "age": "30"}, {"name": "B, C", "age": ""}]),
        ("a.csv", "name\nAnna,too,many\n", [{"name": "Anna"}]),
        ("a.csv", 'text\n"two\nlines"\n', [{"text": "two\nlines"}]),
        ("a.tsv", "a\tb\n1\t2\n", [{"a": "1", "b": "2"}]),
    ],
)
def test_a_file_of_items_is_read_as_its_name_says(roots: Roots, name: str, text: str, found: list[Any]) -> None:
    (roots.roots[0] / name).write_text(text, encoding="utf-8")
    assert items(roots, items_file=name) == found


def test_a_file_of_items_with_a_mark_of_utf_16_is_read(roots: Roots) -> None:
    (roots.roots[0] / "a.txt").write_text("grün\nñandú\n", encoding="utf-16")
    assert items(roots, items_file="a.txt") == ["grün", "ñandú"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jsonl", b'{"n": 1}\n{"n": \n', "line 2, is no JSON"),
        ("a.json", b'{"n": 1}', "holds no JSON array"),
        ("a.json", b"[1, ", "is no JSON"),
        ("a.json", b"[" * 100_000, "is no JSON"),
        ("a.txt", b"caf\xe9\n", "no UTF-8"),
        ("a.txt", b"\x7fELF\x00\x00\n", "binary"),
        ("a.txt", b"x" * 1_000_001, "more than 1,000,000 characters"),
        ("a.csv", b'text\n"' + b"x" * 200_000 + b'"\n', "no CSV"),
        ("a.txt", b"x\n" * 50_001, "more than 50,000 items"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_mend(roots: Roots, name: str, data: bytes, words: str) -> None:
    (roots.roots[0] / name).write_bytes(data)
    with pytest.raises(InputError, match=words):
        items(roots, items_file=name)


def test_the_fence_holds_for_a_file_of_items(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("a\n")
    (roots.roots[0] / ".env").write_text("KEY=1\n")
    (roots.roots[0] / "link.txt").symlink_to(tmp_path / "outside.txt")
    for name in ("../outside.txt", "link.txt", ".env"):
        with pytest.raises(InputError, match=r"outside|credentials"):
            items(roots, items_file=name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none")
def test_a_pipe_a_directory_and_nothing_are_refused(roots: Roots) -> None:
    os.mkfifo(roots.roots[0] / "pipe.txt")
    (roots.roots[0] / "folder").mkdir()
    for name, words in (("pipe.txt", "no regular file"), ("folder", "is a directory"), ("none.txt", "is not there")):
        with pytest.raises(InputError, match=words):
            items(roots, items_file=name)


def test_a_file_of_two_gigabytes_is_refused_without_being_read(roots: Roots) -> None:
    with (roots.roots[0] / "huge.txt").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(InputError, match="larger than 200,000,000 bytes"):
        items(roots, items_file="huge.txt")


def test_each_file_of_globs_and_directories_is_an_item_once(roots: Roots) -> None:
    project = roots.roots[0]
    (project / "docs").mkdir()
    for name in ("a.md", "b.md", "docs/c.md", ".env"):
        (project / name).write_text("text")
    assert items(roots, files=["b.md", "*.md", "docs"]) == ["b.md", "a.md", "docs/c.md"]


def test_what_intake_alone_can_read_is_an_item_as_it_stands(roots: Roots) -> None:
    given = ["a.py:10-80", "git:diff", "url:https://example.org/x?y=1"]
    assert items(roots, files=given) == given


def test_a_glob_without_a_match_is_refused(roots: Roots) -> None:
    with pytest.raises(InputError, match="matches no file"):
        items(roots, files=["*.rs"])


@pytest.mark.parametrize(
    ("prompt", "item", "filled"),
    [
        ("Say {item}!", "a", "Say a!"),
        ("{item} and {item}", "{item}", "{item} and {item}"),
        ("{item.name} is {item.age}", {"name": "{item.age}", "age": 3}, "{item.age} is 3"),
        ("{item}", {"a": "ü"}, '{"a": "ü"}'),
        ("{items} {} {0} {x.y} {item }", "a", "{items} {} {0} {x.y} {item }"),
        ("{item.__class__}", {"__class__": "data"}, "data"),
    ],
)
def test_an_item_is_put_in_as_it_stands_and_nothing_else_is_looked_at(prompt: str, item: Any, filled: str) -> None:
    assert fill(prompt, item) == filled


def test_a_field_is_never_an_attribute() -> None:
    with pytest.raises(InputError, match="no object with fields"):
        fill("{item.__class__}", "a")


def test_what_a_file_holds_stays_json(roots: Roots) -> None:
    rows = [{"n": number, "text": "x" * number} for number in range(50)]
    (roots.roots[0] / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert items(roots, items_file="a.jsonl") == rows
