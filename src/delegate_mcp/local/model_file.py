"""What the header of a model file says of the model: its layers, what each costs, its cache, its licence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from delegate_mcp.domain.errors import ModelFileError
from delegate_mcp.local.gguf import Header, Skipped, Value, read_header

_PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
_MOST_PARTS = 256
_MOST_LAYERS = 4_096
_LAYER = re.compile(r"blk\.(\d+)\.(.+)")
# A layer that has a state instead of a cache has these tensors; one that has a cache has one of the others.
_STATE = ("ssm_", "shortconv", "time_mix")
_CACHE = ("attn_k.", "attn_qkv.", "attn_k_", "attn_kv_a_mqa.", "attn_v.")
# Layers of models that look at a window in turns: each n-th looks at everything. By architecture, where no key says it.
_FULL_EACH = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4, "llama4": 4, "olmo2": 4, "exaone4": 4}
# `general.file_type`: how most of the weights are stored.
_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4",
}  # fmt: skip - a table of numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one block costs."""

    weights: int
    """Bytes of its tensors."""
    cache: int
    """Bytes of keys and values for one token; 0 where it keeps none."""
    window: int | None
    """It keeps no more tokens than these for each slot; None: the whole context."""
    state: int
    """Bytes that it keeps for each slot, however long the context is (Mamba and its kin)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model as its header tells it."""

    files: tuple[Path, ...]
    """All parts, in order; the first is what an engine is given."""
    name: str
    architecture: str
    quantisation: str
    """As in `Q4_K_M`; empty where the header does not say."""
    context_tokens: int
    """The longest that it was trained for."""
    embedding: int
    feed_forward: int
    """The widest of its layers."""
    vocabulary: int
    layers: tuple[Layer, ...]
    input_bytes: int
    """The token table, which stays in RAM."""
    output_bytes: int
    """What stands behind the last layer; it goes to the GPU after all layers."""
    tied: bool
    """The token table is the output table too: shared in RAM, and there twice where the output is on the GPU."""
    file_bytes: int
    chat_template: str | None
    licence: str
    """As the file says; empty where it does not."""

    @property
    def weights(self) -> int:
        """Bytes of all tensors."""
        return sum(layer.weights for layer in self.layers) + self.input_bytes + self.output_bytes_in_ram

    @property
    def output_bytes_in_ram(self) -> int:
        """What the output costs where it stays in RAM."""
        return self.output_bytes - (self.input_bytes if self.tied else 0)


def parts_of(path: Path) -> tuple[Path, ...]:
    """All files of a model, of which that is one. ModelFileError where a part is missing."""
    match = _PART.match(path.name)
    if match is None:
        return (path,)
    count = int(match["count"])
    if not 0 < int(match["number"]) <= count <= _MOST_PARTS:
        raise ModelFileError(f"{path.name} cannot be used: there is no such part.")
    parts = tuple(path.with_name(part_name(match["stem"], number, count)) for number in range(1, count + 1))
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise ModelFileError(f"{path.name} cannot be used: of its {count} parts {', '.join(missing)} missing.")
    return parts


def part_name(stem: str, number: int, count: int) -> str:
    """How one part of a model in several files is called."""
    return f"{stem}-{number:05}-of-{count:05}.gguf"


def part_names(name: str) -> tuple[str, ...]:
    """The names of all files of a model, of which that is one."""
    match = _PART.match(name)
    if match is None or not 0 < int(match["count"]) <= _MOST_PARTS:
        return (name,)
    count = int(match["count"])
    return tuple(part_name(match["stem"], number, count) for number in range(1, count + 1))


def model_stem(name: str) -> str:
    """A file's name without its ending and its number among parts."""
    match = _PART.match(name)
    return match["stem"] if match else re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE)


def read_model(path: Path) -> ModelFile:
    """What the header says; read once for as long as the file is the same. ModelFileError."""
    parts = parts_of(path)
    try:
        marks = tuple((part, *part.stat()[6:9:2]) for part in parts)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    return _read(marks)


@lru_cache(maxsize=64)
def _read(marks: tuple[tuple[Path, int, int], ...]) -> ModelFile:
    """The marks hold size and time of each file, so that one that changed is read again."""
    paths = tuple(mark[0] for mark in marks)
    headers = [read_header(path) for path in paths]
    return _View(paths, headers[0]).model(headers)


class _View:
    """The keys of one header, each checked where it is taken."""

    def __init__(self, paths: tuple[Path, ...], header: Header) -> None:
        self._paths = paths
        self._all = header.metadata
        self._architecture = self._text("general.architecture")
        if not self._architecture:
            raise self._wrong("it does not say its architecture")

    def model(self, headers: Sequence[Header]) -> ModelFile:
        count = self._whole("block_count", None)
        if not 0 < count <= _MOST_LAYERS:
            raise self._wrong(f"it claims {count:,} layers")
        tensors = {name: size for header in headers for name, size in header.tensors.items()}
        rest, by_layer = self._by_layer(tensors, count)
        tied = "output.weight" not in rest
        token_table = rest.pop("token_embd.weight", 0)
        tokens = self._all.get("tokenizer.ggml.tokens")
        return ModelFile(
            files=self._paths,
            name=self._text("general.name") or model_stem(self._paths[0].name),
            architecture=self._architecture,
            quantisation=self._quantisation(),
            context_tokens=self._whole("context_length", 0),
            embedding=self._whole("embedding_length", 0),
            feed_forward=max(self._each("feed_forward_length", count, 0)),
            vocabulary=tokens.length if isinstance(tokens, Skipped) else self._whole("vocab_size", 0),
            layers=self._layers(by_layer),
            input_bytes=token_table,
            output_bytes=sum(rest.values()) + (token_table if tied else 0),
            tied=tied,
            file_bytes=sum(header.file_bytes for header in headers),
            chat_template=self._text("tokenizer.chat_template") or None,
            licence=self._text("general.license"),
        )

    def _by_layer(self, tensors: Mapping[str, int], count: int) -> tuple[dict[str, int], list[dict[str, int]]]:
        rest: dict[str, int] = {}
        layers: list[dict[str, int]] = [{} for _ in range(count)]
        for name, size in tensors.items():
            match = _LAYER.match(name)
            if match is None:
                rest[name] = size
            elif int(match[1]) < count:
                layers[int(match[1])][match[2]] = size
            else:
                raise self._wrong(f"the tensor {name!r} stands in no layer")
        return rest, layers

    def _layers(self, by_layer: Sequence[Mapping[str, int]]) -> tuple[Layer, ...]:
        count = len(by_layer)
        heads = self._each("attention.head_count", count, 0)
        kv_heads = self._each("attention.head_count_kv", count, None) or heads
        windows = self._windows(count)
        state = self._state()
        made: list[Layer] = []
        for number, tensors in enumerate(by_layer):
            recurrent = any(name.startswith(_STATE) for name in tensors)
            caches = not recurrent or any(name.startswith(_CACHE) for name in tensors)
            made.append(
                Layer(
                    weights=sum(tensors.values()),
                    cache=self._cache(heads[number], kv_heads[number]) if caches else 0,
                    window=windows[number],
                    state=state if recurrent else 0,
                )
            )
        return tuple(made)

    def _cache(self, heads: int, kv_heads: int) -> int:
        """Bytes of keys and values for one token, in half precision."""
        each = self._whole("embedding_length", 0) // heads if heads else 0
        keys = self._whole("attention.key_length", each)
        # Multi-head latent attention keeps what keys and values are made from, once.
        latent = self._key("attention.key_length_mla") is not None
        values = 0 if latent else self._whole("attention.value_length", each)
        return 2 * kv_heads * (keys + values)

    def _windows(self, count: int) -> tuple[int | None, ...]:
        window = self._whole("attention.sliding_window", 0)
        if not window:
            return (None,) * count
        pattern = self._key("attention.sliding_window_pattern")
        if isinstance(pattern, tuple):
            if len(pattern) < count:
                raise self._wrong("its pattern of sliding windows is shorter than its layers")
            return tuple(window if pattern[number] else None for number in range(count))
        each = pattern if isinstance(pattern, int) and pattern > 1 else _FULL_EACH.get(self._architecture)
        # Where nothing says which layers look at the window only, all are counted whole.
        return tuple(window if each and (number + 1) % each else None for number in range(count))

    def _state(self) -> int:
        """Bytes of one slot's state in one layer, in single precision."""
        if short := self._whole("shortconv.l_cache", 0):
            return 4 * self._whole("embedding_length", 0) * (short - 1)
        if head := self._whole("wkv.head_size", 0):
            return 4 * self._whole("embedding_length", 0) * (head + 2)
        inner, size = self._whole("ssm.inner_size", 0), self._whole("ssm.state_size", 0)
        convolution = max(0, self._whole("ssm.conv_kernel", 0) - 1)
        return 4 * (convolution * (inner + 2 * self._whole("ssm.group_count", 0) * size) + inner * size)

    def _quantisation(self) -> str:
        kind = self._all.get("general.file_type")
        return _FILE_TYPES.get(kind, "") if isinstance(kind, int) else ""

    def _key(self, name: str) -> Value | None:
        return self._all.get(f"{self._architecture}.{name}")

    def _text(self, key: str) -> str:
        value = self._all.get(key, "")
        return value if isinstance(value, str) else ""

    def _whole(self, name: str, default: int | None) -> int:
        value = self._key(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
            raise self._wrong(f"{self._architecture}.{name} is {value!r}" if value is not None else f"it lacks {name}")
        return value

    def _each(self, name: str, count: int, default: int | None) -> tuple[int, ...]:
        """A number for each layer, of a key that holds one for all or one for each."""
        value = self._key(name)
        if value is None and default is None:
            return ()
        if not isinstance(value, tuple):
            return (self._whole(name, default),) * count
        if len(value) < count or not all(type(one) is int and 0 <= one < 1 << 40 for one in value):
            raise self._wrong(f"{self._architecture}.{name} does not give a number for each layer")
        return tuple(int(one) for one in value[:count])

    def _wrong(self, why: str) -> ModelFileError:
        return ModelFileError(f"{self._paths[0].name} cannot be used: {why}.")
