"""What a person measured lies over the catalog."""

from pathlib import Path

import pytest

from delegate_mcp.catalog.catalog import load_catalog
from delegate_mcp.catalog.local_names import local_model
from delegate_mcp.catalog.rubric import Measured, read_rubric, with_measured, write_rubric
from delegate_mcp.discovery.merge import merged
from delegate_mcp.discovery.timing import ProviderList
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.model_id import ModelId

GROQ = ModelId("groq", "openai/gpt-oss-20b")
LOCAL, NEW = ModelId("ollama", "qwen3:14b"), ModelId("groq", "maker/new-7b")
KINDS = ("quick", "coding")


def row(model_id: ModelId = GROQ, task_type: str = "quick", quality: int = 9) -> Measured:
    return Measured(model_id, task_type, quality, 'measured "here"')


def test_a_measured_number_counts_over_the_catalogs_and_tells_its_source() -> None:
    model = with_measured(load_catalog(), [row()]).models[GROQ]
    assert (model.quality_for("quick"), model.quality_for("coding")) == (9, 5)
    assert model.source.endswith('; quick: measured "here"')


def test_models_that_stand_in_no_table_have_theirs_too() -> None:
    catalog = with_measured(load_catalog(), [row(LOCAL), row(NEW, "coding", 8)])
    local = local_model(catalog, LOCAL)
    assert local is not None
    assert local.quality_for("quick") == 9
    listed = ProviderList(models=(ListedModel(model=NEW.model, free=True),), found_at=1.0)
    new = merged(catalog, {"groq": listed}).catalog.models[NEW]
    assert (new.quality_for("coding"), new.quality_for("quick")) == (8, new.quality)


def test_what_is_written_is_read_and_rows_of_other_models_stay(tmp_path: Path) -> None:
    file = tmp_path / "rubric.toml"
    assert read_rubric(file, KINDS) == ()
    write_rubric(file, [row(), row(LOCAL)], ())
    write_rubric(file, [row(quality=4), row(task_type="coding")], read_rubric(file, KINDS))
    assert set(read_rubric(file, KINDS)) == {row(quality=4), row(task_type="coding"), row(LOCAL)}
    assert [file.name for file in tmp_path.iterdir()] == ["rubric.toml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[[rubric]]\nmodel = 'groq'\ntask_type = 'quick'\nquality = 3\nsource = 'me'",
            "not of the form provider:model",
        ),
        ("[[rubric]]\nmodel = 'a:b'\ntask_type = 'quick'\nquality = 11\nsource = 'me'", "from 0 to 10"),
        ("[[rubric]]\nmodel = 'a:b'\ntask_type = 'codin'\nquality = 1\nsource = 'me'", "Did you mean 'coding'?"),
        ("[[rubrik]]", "Did you mean 'rubric'?"),
        ("[[rubric]", "cannot be read"),
    ],
)
def test_a_mistake_in_it_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "rubric.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"rubric\.toml") as caught:
        read_rubric(file, KINDS)
    assert told in str(caught.value)
