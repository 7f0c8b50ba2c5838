"""Which models the embedded engine can load, which fit this machine, and that routing finds each for its work."""

from pathlib import Path

import pytest

from delegate_mcp.cli.doctor import local_check
from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.local.hardware import Gpu, Hardware, look
from delegate_mcp.local.models import local_models
from delegate_mcp.local.overview import overview, proposal, told
from delegate_mcp.local.shelf import Note, Shelf, ShelfFile
from tests.fakes.gguf import write_model
from tests.routing.scene import available, names, planned

GB = 1_000_000_000
PLAIN = LocalSettings()


def machine(ram: int = 64, *, vram: int = 0) -> Hardware:
    gpus = (Gpu(name="RTX", total=vram * GB, free=vram * GB),) if vram else ()
    return Hardware(ram_total=ram * GB, ram_free=ram * GB, gpus=gpus)


def pulled(cache: Path, name: str) -> Path:
    """A model on the shelf under that name."""
    cache.mkdir(exist_ok=True)
    path = write_model(cache / f"{name}-file.gguf")
    Shelf(cache).write(Note(model=name, source="x", licence="MIT", files=(ShelfFile.of(path, "0"),)))
    return path


def test_what_was_pulled_can_be_loaded_and_is_asked_as_its_maker_says(tmp_path: Path) -> None:
    file = pulled(tmp_path, "qwen3-coder-30b-a3b")
    (model,) = local_models(LocalSettings(context_tokens=32_768), tmp_path)
    assert (model.name, model.file, model.context_tokens) == ("qwen3-coder-30b-a3b", file, 32_768)
    assert (model.temperature, dict(model.sampling)["top_k"]) == (0.7, 20)


def test_no_model_is_hosted_with_a_longer_context_than_it_was_trained_for(tmp_path: Path) -> None:
    pulled(tmp_path, "deepseek-coder-33b")
    (model,) = local_models(LocalSettings(context_tokens=100_000), tmp_path)
    assert model.context_tokens == 16_384


def test_the_persons_own_file_is_first_and_the_demonstration_last(tmp_path: Path) -> None:
    pulled(tmp_path / "cache", "smollm2-135m-instruct")
    pulled(tmp_path / "cache", "ministral-3-3b")
    own = write_model(tmp_path / "mine.gguf")
    found = local_models(LocalSettings(model=own), tmp_path / "cache")
    assert [model.name for model in found] == ["mine", "ministral-3-3b", "smollm2-135m-instruct"]
    without = local_models(LocalSettings(demo_model="never"), tmp_path / "cache")
    assert [model.name for model in without] == ["ministral-3-3b"]


def test_the_models_of_the_persons_folders_are_found_and_what_is_none_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "maker"
    folder.mkdir(parents=True)
    for name in (
        "Gemma-3-12B-Q4_K_M.gguf",
        "mmproj-gemma.gguf",
        "big-00001-of-00002.gguf",
        "big-00002-of-00002.gguf",
        "notes.txt",
    ):
        write_model(folder / name)
    settings = LocalSettings(folders=(tmp_path / "models", tmp_path / "not mounted"))
    assert [model.name for model in local_models(settings, tmp_path / "cache")] == ["gemma-3-12b-q4_k_m", "big"]


def test_a_file_that_changed_since_it_was_checked_is_not_loaded(tmp_path: Path) -> None:
    pulled(tmp_path, "ministral-3-3b").write_bytes(b"GGUF")
    assert local_models(PLAIN, tmp_path) == ()


@pytest.mark.parametrize("note", ["", "{}", '{"files": [{"name": "../../etc/passwd"}]}', "[]", "b179 1795231177"])
def test_a_note_that_is_none_of_ours_is_passed_over(tmp_path: Path, note: str) -> None:
    (tmp_path / "x.gguf.checked").write_text(note, encoding="utf-8")
    assert Shelf(tmp_path).notes() == ()


SHELF = ("nemotron-nano-12b-v2", "ministral-3-3b", "qwen3-coder-30b-a3b", "deepseek-coder-33b")


@pytest.mark.parametrize(
    ("task_type", "first"),
    [
        ("tool_calling", "nemotron-nano-12b-v2"),
        ("tool_use_formatting", "nemotron-nano-12b-v2"),
        ("compaction", "ministral-3-3b"),
        ("reflection", "ministral-3-3b"),
        ("coding", "qwen3-coder-30b-a3b"),
        ("code_review", "qwen3-coder-30b-a3b"),
    ],
)
def test_each_kind_of_work_goes_to_the_model_that_the_user_chose_for_it(task_type: str, first: str) -> None:
    assert names(planned(on=available(local={"local": SHELF}), task_type=task_type))[0] == f"local:{first}"
    assert names(planned(on=available(local={"local": SHELF}), task_type=task_type, private=True))


def test_code_goes_to_the_second_coder_where_the_first_is_not_here() -> None:
    there = available(local={"local": ("ministral-3-3b", "deepseek-coder-33b")})
    assert names(planned(on=there, task_type="coding"))[0] == "local:deepseek-coder-33b"


def test_the_overview_tells_what_is_here_what_fits_and_what_does_not(tmp_path: Path) -> None:
    pulled(tmp_path, "ministral-3-3b")
    rows = {row.name: row for row in overview(PLAIN, tmp_path, machine(12))}
    assert rows["ministral-3-3b"].file is not None
    assert rows["ministral-3-3b"].licence == "MIT"
    assert [name for name, row in rows.items() if row.file is None and row.fits] == [
        "nemotron-nano-12b-v2",
        "smollm2-135m-instruct",
    ]


def test_memory_of_the_gpu_counts(tmp_path: Path) -> None:
    rows = overview(PLAIN, tmp_path, machine(8, vram=24))
    assert {row.name for row in rows if row.fits} >= {"qwen3-coder-30b-a3b", "deepseek-coder-33b"}


def test_the_proposal_is_what_does_most_that_no_model_here_does(tmp_path: Path) -> None:
    asked = (machine(), machine(2))
    first, nothing = (proposal(overview(PLAIN, tmp_path, hardware)) for hardware in asked)
    assert first is not None
    assert first.name == "ministral-3-3b"
    assert nothing is None
    pulled(tmp_path, "ministral-3-3b")
    second = proposal(overview(PLAIN, tmp_path, machine()))
    assert second is not None
    assert second.name == "nemotron-nano-12b-v2"


def test_the_doctor_proposes_one_command(tmp_path: Path) -> None:
    check = local_check(PLAIN, tmp_path, machine(12))
    assert not check.ok
    assert check.mend == "delegate-mcp local pull ministral-3-3b"
    assert check.brings.startswith("private compaction")
    assert "12.0 of 12.0 GB RAM free, no GPU found; here: none; would fit: nemotron-nano-12b-v2" in check.found
    for name in SHELF[:3]:
        pulled(tmp_path, name)
    assert local_check(PLAIN, tmp_path, machine(64)).ok


class Nvml:
    """NVIDIA's library with two GPUs."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, driver: bool = True) -> None:
        self._driver = driver
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802 - as the library names it
        if not self._driver:
            raise self.NVMLError
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, number: int) -> int:  # noqa: N802
        return number

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        return f"GPU-{handle}abc"

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return f"RTX {handle}"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Gpu:  # noqa: N802
        return Gpu(name="", total=24 * GB, free=(20 + handle) * GB)


@pytest.mark.parametrize(
    ("visible", "seen"),
    [(None, ["RTX 0", "RTX 1"]), ("1", ["RTX 1"]), ("GPU-0", ["RTX 0"]), ("", []), ("-1", [])],
)
def test_the_gpus_that_programs_see_are_counted(visible: str | None, seen: list[str]) -> None:
    nvml = Nvml()
    hardware = look({} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}, nvml=nvml)
    assert [gpu.name for gpu in hardware.gpus] == seen
    assert nvml.open == 0


def test_a_machine_without_a_driver_has_its_ram(tmp_path: Path) -> None:
    hardware = look({}, nvml=Nvml(driver=False), cgroup=tmp_path)
    assert hardware.gpus == ()
    assert 0 < hardware.ram_free <= hardware.ram_total
    assert "no GPU found" in told(hardware)


def test_a_container_has_no_more_than_its_limit(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("700000000\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000000\n", encoding="ascii")
    hardware = look({}, nvml=Nvml(driver=False), cgroup=tmp_path)
    assert (hardware.ram_total, hardware.ram_free) == (GB, GB // 2)
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert look({}, nvml=Nvml(driver=False), cgroup=tmp_path).ram_total > GB
