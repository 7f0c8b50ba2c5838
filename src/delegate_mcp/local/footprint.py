"""What a model takes at a context length, and how much of it goes onto the GPU: known from its header alone.

The figures of llama.cpp: the cache in half precision, prompts read 512 tokens at a time, flash attention where it can.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from delegate_mcp.catalog.local_models import pullable_models
from delegate_mcp.local.hardware import Gpu, Hardware
from delegate_mcp.local.model_file import ModelFile, read_model

_MIB = 1 << 20
_GB = 1_000_000_000
_BATCH = 512
_MARGIN = 1.1
"""On the buffers, which follow from the engine's version and processor; weights and cache are exact."""
HOST_BYTES = 160 * _MIB
"""A host process before it has loaded a model: Python, the engine's code, its threads."""
PROMPT_CACHE_BYTES = 256 * _MIB
"""What the engine may keep of idle prompts; see engines."""
GPU_BYTES = 500 * _MIB
"""On each GPU beside the model: the driver's own state and what a screen needs."""
_CONTEXTS = (262_144, 131_072, 65_536, 32_768, 16_384, 8_192, 4_096, 2_048)
_LEAST_CONTEXT = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a model takes, wherever it stands."""

    weights: int
    cache: int
    buffers: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.buffers


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a model is loaded on this machine."""

    gpu_layers: int
    """One more than it has layers: all of it, what stands behind the last included."""
    bytes_vram: int
    bytes_ram: int
    refusal: str | None
    """Why it cannot be loaded, with the numbers and the next smaller choice; None: it can."""


def footprint(model: ModelFile, context_tokens: int, slots: int) -> Footprint:
    """What it takes in all."""
    return Footprint(
        weights=model.weights,
        cache=sum(_caches(model, context_tokens, slots)),
        buffers=_buffers(model, context_tokens),
    )


def fit(
    model_file: Path,
    context_tokens: int,
    slots: int,
    hardware: Hardware,
    *,
    gpu_layers: int = -1,
) -> Fit:
    """How that file is loaded: as many layers on the GPU as fit, the rest in RAM. ModelFileError.

    `gpu_layers` is what the person has set; -1: as many as fit.
    """
    model = read_model(model_file)
    found = _split(model, context_tokens, slots, hardware, gpu_layers)
    if _fits(found, hardware, gpu_layers):
        return found
    refusal = _refusal(model, context_tokens, slots, found=found, hardware=hardware, gpu_layers=gpu_layers)
    return Fit(gpu_layers=found.gpu_layers, bytes_vram=found.bytes_vram, bytes_ram=found.bytes_ram, refusal=refusal)


def longest_context(model: ModelFile, slots: int, hardware: Hardware, gpu_layers: int = -1) -> int | None:
    """The longest usual context at which it fits; None where none does."""
    usual = [tokens for tokens in _CONTEXTS if tokens <= max(model.context_tokens, _LEAST_CONTEXT)]
    for tokens in usual:
        if _fits(_split(model, tokens, slots, hardware, gpu_layers), hardware, gpu_layers):
            return tokens
    return None


def fitting(hardware: Hardware) -> tuple[str, ...]:
    """The models that `local pull` knows and that this machine has room for, the largest first; no demonstration."""
    room = max(hardware.ram_free, _room(hardware.gpus))
    rows = [row for row in pullable_models().values() if row.good_for and row.memory_gb * _GB <= room]
    return tuple(row.name for row in sorted(rows, key=lambda row: -row.size))


def _caches(model: ModelFile, context_tokens: int, slots: int) -> Iterator[int]:
    """Keys, values and states of each layer."""
    for layer in model.layers:
        kept = context_tokens if layer.window is None else min(context_tokens, layer.window + _BATCH)
        yield slots * (layer.cache * kept + layer.state)


def _buffers(model: ModelFile, context_tokens: int) -> int:
    """What computing takes: the widest step of a batch, its answers for the whole vocabulary, the attention mask.

    Engines of 2026 keep answers for the last token only; older ones for the whole batch, which is counted.
    """
    widest = 4 * _BATCH * (4 * model.embedding + 3 * model.feed_forward)
    answers = 4 * _BATCH * model.vocabulary
    mask = 2 * _BATCH * context_tokens
    return int(_MARGIN * (max(widest, answers) + 4 * _BATCH * model.embedding + mask))


def _room(gpus: Sequence[Gpu]) -> int:
    return sum(max(0, gpu.free - GPU_BYTES) for gpu in gpus)


def _split(model: ModelFile, context_tokens: int, slots: int, hardware: Hardware, gpu_layers: int) -> Fit:
    """As many layers as fit onto the GPUs, or as many as the person has set, and what is left for the RAM."""
    buffers = _buffers(model, context_tokens)
    costs = [
        layer.weights + cache for layer, cache in zip(model.layers, _caches(model, context_tokens, slots), strict=True)
    ]
    # The last layers go to the GPU first, then what stands behind them.
    onto_gpu = [*reversed(costs), model.output_bytes]
    used = [0, *accumulate(onto_gpu)]
    # A layer cannot be cut in two: on each further GPU up to one layer's room is left over.
    split_loss = max(onto_gpu) * max(0, len(hardware.gpus) - 1)
    room = _room(hardware.gpus) - buffers * len(hardware.gpus) - split_loss
    most = len(onto_gpu) if gpu_layers < 0 else min(gpu_layers, len(onto_gpu))
    if not hardware.gpus:
        most = 0
    elif gpu_layers < 0:
        most = max((count for count in range(most + 1) if used[count] <= room), default=0)
    vram = used[most] + buffers * len(hardware.gpus) if most else 0
    ram = HOST_BYTES + PROMPT_CACHE_BYTES + buffers + model.input_bytes
    ram += sum(costs[: max(0, len(costs) - most)])
    ram += 0 if most > len(costs) else model.output_bytes_in_ram
    if any(gpu.unified for gpu in hardware.gpus):
        ram += vram
    return Fit(gpu_layers=most, bytes_vram=vram, bytes_ram=ram, refusal=None)


def _fits(found: Fit, hardware: Hardware, gpu_layers: int) -> bool:
    over = gpu_layers > 0 and bool(hardware.gpus) and found.bytes_vram > _room(hardware.gpus)
    return found.bytes_ram <= hardware.ram_free and not over


def _refusal(
    model: ModelFile, context_tokens: int, slots: int, *, found: Fit, hardware: Hardware, gpu_layers: int
) -> str:
    whole = footprint(model, context_tokens, slots)
    lines = [
        (
            f"{model.files[0].name} does not fit: at a context of {context_tokens:,} tokens for each of {slots} "
            f"it takes {_gb(whole.total)} (weights {_gb(whole.weights)}, cache {_gb(whole.cache)}, "
            f"buffers {_gb(whole.buffers)})"
        )
    ]
    needs = [f"{_gb(found.bytes_ram)} of RAM, of which {_gb(hardware.ram_free)} of {_gb(hardware.ram_total)} are free"]
    if hardware.gpus:
        free, total = sum(gpu.free for gpu in hardware.gpus), sum(gpu.total for gpu in hardware.gpus)
        layers = f"{min(found.gpu_layers, len(model.layers))} of {len(model.layers)} layers"
        needs.append(
            f"{_gb(found.bytes_vram)} of GPU memory for {layers}, of which {_gb(free)} of {_gb(total)} are free"
        )
    lines.append(f"It needs {' and '.join(needs)}")
    choices = list(_choices(model, context_tokens, slots, hardware, gpu_layers))
    smaller = next((name for name in fitting(hardware) if pullable_models()[name].size < model.file_bytes), None)
    choices.append(f"use a smaller model: `delegate-mcp local pull {smaller}`" if smaller else "use a smaller model")
    lines.append(f"What would fit: {'; or '.join(choices)}")
    return ". ".join(lines) + "."


def _choices(model: ModelFile, context_tokens: int, slots: int, hardware: Hardware, gpu_layers: int) -> Iterator[str]:
    """What to change so that it fits, the smallest change first."""
    if gpu_layers > 0:
        freely = _split(model, context_tokens, slots, hardware, -1)
        if _fits(freely, hardware, -1):
            yield f"lower local.gpu_layers to {freely.gpu_layers}"
    shorter = longest_context(model, slots, hardware, gpu_layers)
    if shorter is not None and shorter < context_tokens:
        yield f"lower local.context_tokens to {shorter}"
    elif _fits(_split(model, context_tokens, slots, hardware.emptied(), gpu_layers), hardware.emptied(), gpu_layers):
        yield "close other programs: it fits into this machine where nothing else runs"


def _gb(size: int) -> str:
    return f"{size / _GB:.1f} GB"
