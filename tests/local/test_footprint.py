"""What a model takes, how much of it goes onto the GPU, and what is said where it does not fit."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from delegate_mcp.local.demo_model import demo_model_path
from delegate_mcp.local.footprint import (
    GPU_BYTES,
    HOST_BYTES,
    PROMPT_CACHE_BYTES,
    fit,
    fitting,
    footprint,
    longest_context,
)
from delegate_mcp.local.hardware import Gpu, Hardware
from delegate_mcp.local.model_file import read_model
from delegate_mcp.platforms import cache_dir
from tests.fakes.gguf import data_bytes, header, llama, tensors, write_model

GB = 1_000_000_000
KV = 2 * 2 * (8 + 8)
LARGE = 40 * GB


def machine(*, ram: int = 16 * GB, vram: tuple[int, ...] = ()) -> Hardware:
    gpus = tuple(Gpu(name="GPU", total=24 * GB, free=free) for free in vram)
    return Hardware(ram_total=max(ram, 16 * GB), ram_free=ram, gpus=gpus)


def sparse(path: Path, layers: int = 4, layer_bytes: int = GB) -> Path:
    """A model file of gigabytes that takes no room on the disk."""
    sizes = tensors(layers, layer_bytes=layer_bytes)
    head = header(llama(layers), sizes)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + data_bytes(sizes))
    return path


def test_the_cache_grows_with_context_and_slots_and_the_weights_do_not(tmp_path: Path) -> None:
    model = read_model(write_model(tmp_path / "m.gguf"))
    one, more = footprint(model, 1_000, 1), footprint(model, 4_000, 2)
    assert one.cache == 4 * KV * 1_000
    assert more.cache == 4 * KV * 8_000
    assert one.weights == more.weights == model.weights
    assert more.buffers > one.buffers
    assert more.total == more.weights + more.cache + more.buffers


def test_a_window_bounds_the_cache(tmp_path: Path) -> None:
    keys = llama(llama__attention__sliding_window=512, llama__attention__sliding_window_pattern=2)
    model = read_model(write_model(tmp_path / "m.gguf", keys))
    assert footprint(model, 100_000, 1).cache == 2 * KV * 100_000 + 2 * KV * (512 + 512)


def test_without_a_gpu_all_of_it_is_in_ram(tmp_path: Path) -> None:
    file = sparse(tmp_path / "m.gguf")
    found = fit(file, 2_048, 2, machine())
    whole = footprint(read_model(file), 2_048, 2)
    assert found.refusal is None
    assert (found.gpu_layers, found.bytes_vram) == (0, 0)
    assert found.bytes_ram == whole.total + HOST_BYTES + PROMPT_CACHE_BYTES


def test_with_room_on_the_gpu_all_layers_and_what_stands_behind_them_go_there(tmp_path: Path) -> None:
    found = fit(sparse(tmp_path / "m.gguf"), 2_048, 2, machine(ram=2 * GB, vram=(20 * GB,)))
    assert found.refusal is None
    assert found.gpu_layers == 5
    assert 4 * GB < found.bytes_vram < 5 * GB
    assert found.bytes_ram < GB


def test_layers_go_onto_the_gpu_as_they_fit(tmp_path: Path) -> None:
    file = sparse(tmp_path / "m.gguf")
    found = fit(file, 2_048, 2, machine(vram=(int(2.5 * GB) + GPU_BYTES,)))
    assert found.refusal is None
    assert found.gpu_layers == 2
    assert found.bytes_ram > 2 * GB
    assert fit(file, 2_048, 2, machine(vram=(GPU_BYTES,))).gpu_layers == 0


def test_on_two_gpus_a_layer_is_not_cut_in_two(tmp_path: Path) -> None:
    file = sparse(tmp_path / "m.gguf")
    half = int(2.5 * GB) + GPU_BYTES
    assert fit(file, 2_048, 2, machine(vram=(half, half))).gpu_layers < 5
    assert fit(file, 2_048, 2, machine(vram=(LARGE, LARGE))).gpu_layers == 5


def test_memory_that_the_gpu_shares_with_the_processor_is_counted_once(tmp_path: Path) -> None:
    file = sparse(tmp_path / "m.gguf")
    shared = Hardware(ram_total=8 * GB, ram_free=5 * GB, gpus=(Gpu(name="A", total=5 * GB, free=5 * GB, unified=True),))
    found = fit(file, 2_048, 1, shared)
    assert found.bytes_ram > found.bytes_vram > 0
    tight = Hardware(ram_total=8 * GB, ram_free=4 * GB, gpus=shared.gpus)
    assert fit(file, 2_048, 1, tight).refusal is not None


def test_what_does_not_fit_is_refused_with_the_numbers_and_the_next_smaller_choice(tmp_path: Path) -> None:
    keys = llama(4, llama__attention__key_length=4_096, llama__attention__value_length=4_096)
    file = write_model(tmp_path / "big.gguf", keys | {"llama.context_length": 131_072})
    found = fit(file, 131_072, 2, machine(ram=4 * GB))
    assert found.refusal is not None
    assert "big.gguf does not fit: at a context of 131,072 tokens for each of 2" in found.refusal
    assert "cache 34.4 GB" in found.refusal
    assert "of which 4.0 GB of 16.0 GB are free" in found.refusal
    assert "lower local.context_tokens to 8192" in found.refusal
    assert found.refusal.endswith("use a smaller model.")
    assert fit(file, 8_192, 2, machine(ram=4 * GB)).refusal is None


def test_layers_that_a_person_set_and_that_do_not_fit_are_refused_with_how_many_would(tmp_path: Path) -> None:
    file = sparse(tmp_path / "m.gguf")
    room = machine(vram=(int(2.5 * GB) + GPU_BYTES,))
    found = fit(file, 2_048, 2, room, gpu_layers=4)
    assert found.refusal is not None
    assert "for 4 of 4 layers" in found.refusal
    assert "lower local.gpu_layers to 2" in found.refusal
    assert fit(file, 2_048, 2, room, gpu_layers=1).gpu_layers == 1
    assert fit(file, 2_048, 2, room, gpu_layers=0).bytes_vram == 0


def test_a_model_of_our_table_that_would_fit_is_named(tmp_path: Path) -> None:
    refusal = fit(sparse(tmp_path / "m.gguf", 40), 2_048, 2, machine(ram=12 * GB)).refusal
    assert refusal is not None
    assert refusal.endswith("use a smaller model: `delegate-mcp local pull nemotron-nano-12b-v2`.")
    assert fitting(machine(ram=5 * GB)) == ("ministral-3-3b",)


def test_a_model_that_only_other_programs_keep_out_is_told_as_such(tmp_path: Path) -> None:
    refusal = fit(sparse(tmp_path / "m.gguf"), 2_048, 2, machine(ram=GB)).refusal
    assert refusal is not None
    assert "close other programs" in refusal


def test_the_longest_context_is_one_that_fits_and_that_the_model_knows(tmp_path: Path) -> None:
    model = read_model(write_model(tmp_path / "m.gguf"))
    assert longest_context(model, 2, machine()) == 4_096
    assert longest_context(model, 2, machine(ram=1)) is None


_HOST = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = sys.argv[1], int(sys.argv[2]) * int(sys.argv[3]), int(sys.argv[3])
params.hostnames, params.port, params.n_gpu_layers, params.verbosity = ["127.0.0.1"], 0, 0, 1
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
print("up", flush=True)
sys.stdin.read()
import os; os._exit(0)
"""


@pytest.mark.model
@pytest.mark.parametrize(("context", "slots"), [(2_048, 2), (8_192, 4)])
def test_the_real_model_in_the_real_engine_takes_what_was_said(context: int, slots: int) -> None:
    file = demo_model_path(cache_dir(os.environ))
    if file is None:
        pytest.skip("the demonstration model is not in the cache: delegate-mcp demo --fetch-only")
    pytest.importorskip("xllamacpp")
    argv = [sys.executable, "-c", _HOST, str(file), str(context), str(slots)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as host:
        assert host.stdout is not None
        assert host.stdin is not None
        while (line := host.stdout.readline()) and line.strip() != b"up":
            pass
        taken = psutil.Process(host.pid).memory_info().rss
        host.stdin.close()
    said = fit(file, context, slots, machine()).bytes_ram - PROMPT_CACHE_BYTES  # no prompt was asked yet
    assert taken <= said <= taken + 300_000_000
