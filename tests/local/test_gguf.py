"""Reading the header of a model file: what it tells, and that a hostile one is an error and nothing worse."""

import os
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from delegate_mcp.domain.errors import ModelFileError
from delegate_mcp.local.gguf import Skipped, read_header
from delegate_mcp.local.model_file import model_stem, part_names, read_model
from tests.fakes.gguf import gguf, llama, tensors, text, write_model

KV = 2 * 2 * (8 + 8)  # two heads of eight for keys and for values, two bytes each


def test_a_model_is_told_by_its_header(tmp_path: Path) -> None:
    model = read_model(write_model(tmp_path / "tiny.gguf"))
    assert (model.name, model.architecture, model.quantisation, model.licence) == ("Tiny", "llama", "Q4_K_M", "mit")
    assert (model.context_tokens, model.embedding, model.vocabulary) == (4_096, 64, 32)
    assert len(model.layers) == 4
    assert {(layer.weights, layer.cache, layer.window, layer.state) for layer in model.layers} == {(640, KV, None, 0)}
    assert (model.input_bytes, model.output_bytes, model.weights) == (320, 352, 4 * 640 + 320 + 352)
    assert model.chat_template == "{{ messages }}"


@pytest.mark.parametrize("version", [2, 3])
def test_both_versions_are_read(tmp_path: Path, version: int) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(llama(), tensors(), version=version))
    assert read_header(path).version == version


def test_a_vocabulary_is_counted_and_not_kept(tmp_path: Path) -> None:
    header = read_header(write_model(tmp_path / "m.gguf", llama(words=5_000)))
    assert header.metadata["tokenizer.ggml.tokens"] == Skipped(5_000)


def test_heads_may_differ_by_layer(tmp_path: Path) -> None:
    keys = llama(llama__attention__head_count_kv=[2, 0, 4, 2])
    layers = read_model(write_model(tmp_path / "m.gguf", keys)).layers
    assert [layer.cache for layer in layers] == [KV, 0, 2 * KV, KV]


def test_a_layer_of_mamba_has_a_state_in_place_of_a_cache(tmp_path: Path) -> None:
    keys = llama(
        llama__ssm__inner_size=64, llama__ssm__state_size=16, llama__ssm__conv_kernel=4, llama__ssm__group_count=2
    )
    sizes = tensors(2) | {"blk.2.ssm_in.weight": 640, "blk.3.ssm_in.weight": 640, "blk.3.attn_k.weight": 640}
    layers = read_model(write_model(tmp_path / "m.gguf", keys, sizes)).layers
    assert [layer.cache for layer in layers] == [KV, KV, 0, KV]
    assert [layer.state for layer in layers] == [0, 0, 4 * (3 * (64 + 2 * 2 * 16) + 64 * 16), layers[2].state]


def test_layers_that_look_at_a_window_keep_no_more_than_that(tmp_path: Path) -> None:
    keys = llama(llama__attention__sliding_window=512, llama__attention__sliding_window_pattern=2)
    layers = read_model(write_model(tmp_path / "m.gguf", keys)).layers
    assert [layer.window for layer in layers] == [512, None, 512, None]
    by_layer = llama(
        llama__attention__sliding_window=512, llama__attention__sliding_window_pattern=[True, True, False, True]
    )
    layers = read_model(write_model(tmp_path / "n.gguf", by_layer)).layers
    assert [layer.window for layer in layers] == [512, 512, None, 512]


def test_a_window_of_which_nothing_says_who_looks_through_it_is_not_counted_on(tmp_path: Path) -> None:
    keys = llama(llama__attention__sliding_window=512)
    assert {layer.window for layer in read_model(write_model(tmp_path / "m.gguf", keys)).layers} == {None}


def test_latent_attention_keeps_one_thing_for_keys_and_values(tmp_path: Path) -> None:
    keys = llama(
        llama__attention__head_count_kv=1,
        llama__attention__key_length=576,
        llama__attention__value_length=512,
        llama__attention__key_length_mla=192,
    )
    assert read_model(write_model(tmp_path / "m.gguf", keys)).layers[0].cache == 2 * 576


def test_a_model_that_uses_its_token_table_twice_pays_for_it_once_in_ram(tmp_path: Path) -> None:
    sizes = {name: size for name, size in tensors().items() if name != "output.weight"}
    model = read_model(write_model(tmp_path / "m.gguf", llama(), sizes))
    assert model.output_bytes == 320 + 32
    assert model.weights == 4 * 640 + 320 + 32


def test_a_model_in_parts_is_read_whole_and_a_missing_part_is_named(tmp_path: Path) -> None:
    one, two = (tmp_path / name for name in part_names("big-00001-of-00002.gguf"))
    first = {name: size for name, size in tensors().items() if "blk.3" not in name}
    write_model(one, llama(), first)
    with pytest.raises(ModelFileError, match=r"big-00002-of-00002\.gguf missing"):
        read_model(one)
    write_model(two, {"general.architecture": "llama"}, {"blk.3.attn_k.weight": 640})
    model = read_model(two)
    assert model.files == (one, two)
    assert [layer.weights for layer in model.layers] == [640] * 4


def test_names_of_parts() -> None:
    assert part_names("a.gguf") == ("a.gguf",)
    assert part_names("a-00002-of-00003.gguf")[0] == "a-00001-of-00003.gguf"
    assert model_stem("a-00002-of-00003.gguf") == model_stem("a.GGUF") == "a"


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    assert read_model(path).name == "Tiny"
    write_model(path, llama(general__name="Other"))
    os.utime(path, (1, 1))
    assert read_model(path).name == "Other"


def claims(tensors: int, keys: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + rest


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends within"),
        (b"<!DOCTYPE html><html>", "does not begin with GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (claims(1 << 60, 1), "claims 1,152,921,504,606,846,976 tensors"),
        (claims(1, 1 << 60), "keys"),
        (claims(0, 1, struct.pack("<Q", 1 << 62)), "a key is"),
        (claims(0, 1, text("k") + struct.pack("<IQ", 8, 1 << 50)), "ends within k"),
        (claims(0, 1, text("k") + struct.pack("<IIQ", 9, 8, 1 << 61)), "ends within k"),
        (claims(0, 1, text("k") + struct.pack("<IIQ", 9, 4, 1 << 61)), "ends within k"),
        (claims(0, 1, text("k") + struct.pack("<IIQ", 9, 9, 1)), "array of type 9"),
        (claims(0, 1, text("k") + struct.pack("<I", 77)), "type 77"),
        (claims(1, 0, text("t") + struct.pack("<I", 1_000_000)), "1000000 dimensions"),
        (claims(1, 0, text("t") + struct.pack("<IQIQ", 1, 1, 0, 1 << 62)), "it is cut"),
        (gguf({"general.alignment": 0}, {}), "alignment is 0"),
        (gguf(llama(), tensors())[:-1_000], "it is cut"),
        (gguf({"a": 1}, {}), "does not say its architecture"),
        (gguf({"general.architecture": "llama"}, {}), "lacks block_count"),
        (gguf(llama() | {"llama.block_count": 4_000_000_000}, {}), "claims 4,000,000,000 layers"),
        (gguf(llama() | {"llama.attention.head_count_kv": [2]}, {}), "number for each layer"),
        (gguf(llama() | {"llama.embedding_length": "64"}, tensors()), "embedding_length is '64'"),
        (gguf(llama(2), tensors(4)), "stands in no layer"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_told_as_such(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=why) as caught:
        read_model(path)
    assert str(caught.value).startswith("bad.gguf cannot be used")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_model(tmp_path / "none.gguf")


WHOLE = gguf(llama(), tensors())


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(WHOLE) - 1), by=st.binary(min_size=1, max_size=12), cut=st.integers(0, len(WHOLE)))
@example(at=8, by=b"\xff" * 8, cut=len(WHOLE))
def test_no_bytes_make_it_do_anything_but_read_or_refuse(at: int, by: bytes, cut: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.gguf"
        path.write_bytes((WHOLE[:at] + by + WHOLE[at + len(by) :])[:cut])
        try:
            model = read_model(path)
        except ModelFileError:
            return
        assert model.weights <= len(WHOLE) * 2
