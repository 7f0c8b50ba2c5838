"""The documentation says what the code does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.run import MEASURES
from delegate_mcp.cli import COMMANDS
from delegate_mcp.config.settings import ExperimentSettings, ProviderSettings, RentedSettings, Section, Settings
from delegate_mcp.providers.registry import PROVIDERS
from docs import sources, tables

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")


def inline(text: str) -> Iterator[str]:
    """Code within sentences, line breaks made blanks."""
    return (" ".join(code.split()) for code in INLINE.findall(FENCED.sub("", text)))


def code(page: Path) -> Iterator[str]:
    """Every line of code of a page."""
    text = page.read_text(encoding="utf-8")
    yield from inline(text)
    for block in FENCED.findall(text):
        yield from block.splitlines()


NAMED: dict[str, type[Section]] = {
    "providers": ProviderSettings,
    "rented": RentedSettings,
    "experiments": ExperimentSettings,
}


def setting_paths(section: type[Section], above: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner: Any = NAMED.get(name, field.annotation)
        path = f"{above}{name}"
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from setting_paths(inner, f"{path}.<name>." if name in NAMED else f"{path}.")
        else:
            yield path


def test_the_generated_tables_are_what_the_code_says() -> None:
    assert sorted(path.name for path in tables.checked(ROOT)) == [], "run `python -m docs.tables`"


def test_the_readmes_first_screen_has_the_two_commands_and_both_registrations() -> None:
    first = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:60])
    for needed in (
        "make demo",
        "make test",
        "claude mcp add delegate -- ",
        '"mcpServers"',
        "DELEGATE_MCP_FILES__ROOTS",
    ):
        assert needed in first


def test_what_the_readme_says_it_saves_is_what_the_bench_measured() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## What it saves")[2].partition("\n## ")[0]
    measured = re.findall(r"<!-- numbers -->(.*)<!-- /numbers -->", text, re.DOTALL)[0]
    said = re.findall(r"[\d,]*\d", "".join(re.findall(r"\|([^|\n]*)\|$", section, re.MULTILINE)))
    assert len(said) == 5
    assert [figure for figure in said if f" {figure} tokens a job" not in measured] == []
    (not_free,) = re.findall(r"not on free inference \| ([\d.]+) %", measured)
    assert f"{100 - float(not_free):.1f} % of all tokens" in section
    (batch,) = re.findall(r"batch of 200: director's tokens \| (\d+) tokens", measured)
    assert f"cost the director {batch} tokens" in section


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    known = {row.name for row in COMMANDS}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in code(page):
        named = re.findall(r"(?:^|[\s/\"`])delegate-mcp(?:\.exe)? ([a-z][a-z-]*)", line)
        assert set(named) <= known, line
        made = re.match(r"make ([a-z-]+)", line)
        assert made is None or made[1] in targets, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_and_variable_that_a_page_names_exists(page: Path) -> None:
    paths = set(setting_paths(Settings))
    providers = "|".join(row.name for row in PROVIDERS)
    sections = {path.partition(".")[0] for path in paths if "." in path}
    variables = {sources.PREFIX + path.upper().replace(".", "__") for path in paths}
    variables |= {sources.PREFIX + name for name in ("CONFIG", "CACHE", "TOKEN", "")}
    for text in inline(page.read_text(encoding="utf-8")):
        general = re.sub(rf"^providers\.({providers})\.", "providers.<name>.", text.partition(" = ")[0])
        if re.fullmatch(rf"({'|'.join(sections)})(\.(?!py\b)[a-z_<>]+)+", general):
            assert general in paths, text
        for variable in re.findall(r"DELEGATE_MCP_[A-Z_<>]*", text):
            any_name = "|".join(row.name.upper().replace("-", "_") for row in PROVIDERS)
            assert re.sub(rf"PROVIDERS__({any_name})__", "PROVIDERS__<NAME>__", variable) in variables, text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_another_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_index_lists_every_page() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert sorted(page for page in pages if f"]({page})" not in text) == []


def test_every_benchmark_is_explained() -> None:
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"| `{name}` |" not in text] == []


def test_the_example_registration_is_json_whose_keys_are_the_registrys_and_may_be_unset() -> None:
    server = json.loads((ROOT / "mcp.json.example").read_text(encoding="utf-8"))["mcpServers"]["delegate"]
    known = {name for row in PROVIDERS for name in row.key_names}
    assert set(server["env"]) <= known
    # Without `:-` Claude Code hands an unset variable over as the literal text, which would be taken for a key.
    assert server["env"] == {name: f"${{{name}:-}}" for name in server["env"]}


def test_every_json_block_of_the_readme_is_json() -> None:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        json.loads(block)


def test_nothing_names_the_machine_it_was_written_on() -> None:
    shipped = [*PAGES, ROOT / "mcp.json.example", *(ROOT / "bench").glob("*.py"), *(ROOT / "docs").glob("*.py")]
    for file in shipped:
        found = re.findall(r"(?<![\w.])/(?:work|root|home/[a-z]+|Users/[a-z]+)\b", file.read_text(encoding="utf-8"))
        assert found == [], file.name


def test_every_setting_stands_in_the_reference_with_its_text() -> None:
    documented = sources.read_settings()
    assert {setting.path for setting in documented} == set(setting_paths(Settings))
    assert all(setting.meaning and setting.default for setting in documented)


def test_a_setting_without_text_is_an_error() -> None:
    bare = "class A(Section):\n    x: int = 1\n\nclass Settings(Section):\n    a: A = A()\n"
    with pytest.raises(LookupError, match=r"a\.x"):
        sources.read_settings(bare)


def test_a_settings_variable_default_and_meaning_come_from_its_text() -> None:
    text = (
        'class A(Section):\n    x_y: int = 1\n    """How many.\n    Default: one."""\n'
        'class Settings(Section):\n    off: bool = False\n    """Whether."""\n    a: A = A()\n'
    )
    off, inner = sources.read_settings(text)
    assert (off.path, off.default, off.meaning) == ("off", "`false`", "Whether.")
    assert (inner.variable, inner.default, inner.meaning) == ("DELEGATE_MCP_A__X_Y", "one", "How many.")


def test_a_table_is_written_between_its_marks_and_nothing_else_is_touched() -> None:
    text = "before\n<!-- table:a -->\nold\n<!-- /table -->\nafter\n"
    filled = tables.fill(text, {"a": lambda: "new"})
    assert filled == "before\n<!-- table:a -->\nnew\n<!-- /table -->\nafter\n"
    assert tables.fill(filled, {"a": lambda: "new"}) == filled


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<!-- table:b -->\n<!-- /table -->\n", "no table is called b"),
        ("<!-- table:a -->\nold\n", "no `<!-- /table -->`"),
    ],
)
def test_a_mark_that_cannot_be_filled_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(tables.DocsError, match=problem):
        tables.fill(text, {"a": lambda: "new"})


def test_drift_and_tables_that_no_page_shows_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- table:a -->\nold\n<!-- /table -->\n", encoding="utf-8")
    made = {"a": lambda: "new", "b": lambda: "x"}
    assert list(tables.drifted([page], made)) == [page]
    assert tables.unshown([page], made) == ["b"]
    page.write_text("<!-- table:a -->\nnew\n<!-- /table -->\n", encoding="utf-8")
    assert tables.drifted([page], made) == {}


def test_a_cell_cannot_break_its_table() -> None:
    assert sources.table(("a",), [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"
