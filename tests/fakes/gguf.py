"""Writes small GGUF files: a header as a model has it, and tensors of nothing."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ALIGNMENT = 32
_INT, _FLOAT, _BOOL, _TEXT, _ARRAY = 4, 6, 7, 8, 9


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value(given: Any) -> bytes:
    """Its type and itself."""
    if isinstance(given, bool):
        return struct.pack("<I?", _BOOL, given)
    if isinstance(given, int):
        return struct.pack("<II", _INT, given)
    if isinstance(given, float):
        return struct.pack("<If", _FLOAT, given)
    if isinstance(given, str):
        return struct.pack("<I", _TEXT) + text(given)
    items = [value(item) for item in given]
    kind = items[0][:4] if items else struct.pack("<I", _INT)
    return struct.pack("<I", _ARRAY) + kind + struct.pack("<Q", len(items)) + b"".join(item[4:] for item in items)


def header(metadata: Mapping[str, Any], tensors: Mapping[str, int], *, version: int = 3) -> bytes:
    """All that stands before the tensors."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    head += b"".join(text(key) + value(given) for key, given in metadata.items())
    at = 0
    for name, size in tensors.items():
        head += text(name) + struct.pack("<IQIQ", 1, size, 0, at)
        at += -(-size // ALIGNMENT) * ALIGNMENT
    return head.ljust(-(-len(head) // ALIGNMENT) * ALIGNMENT, b"\0")


def gguf(metadata: Mapping[str, Any], tensors: Mapping[str, int], *, version: int = 3) -> bytes:
    """A whole file; each tensor has that many bytes, rounded up to the alignment."""
    return header(metadata, tensors, version=version) + bytes(data_bytes(tensors))


def data_bytes(tensors: Mapping[str, int]) -> int:
    """All tensors with their padding."""
    return sum(-(-size // ALIGNMENT) * ALIGNMENT for size in tensors.values())


def llama(layers: int = 4, *, words: int = 32, **more: Any) -> dict[str, Any]:
    """The keys of a small model of the architecture `llama`; further ones by name, `__` for a dot."""
    keys: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "general.license": "mit",
        "general.file_type": 15,
        "llama.block_count": layers,
        "llama.context_length": 4_096,
        "llama.embedding_length": 64,
        "llama.feed_forward_length": 128,
        "llama.attention.head_count": 8,
        "llama.attention.head_count_kv": 2,
        "tokenizer.ggml.tokens": [f"w{number}" for number in range(words)],
        "tokenizer.chat_template": "{{ messages }}",
    }
    return keys | {name.replace("__", "."): given for name, given in more.items()}


def tensors(layers: int = 4, *, layer_bytes: int = 640, kinds: Sequence[str] = ("attn_k.weight",)) -> dict[str, int]:
    """Tensors of that many layers, with a table of their own for the output."""
    blocks = {f"blk.{number}.{kind}": layer_bytes for number in range(layers) for kind in kinds}
    return {"token_embd.weight": 320, **blocks, "output.weight": 320, "output_norm.weight": 32}


def write_model(path: Path, metadata: Mapping[str, Any] | None = None, sizes: Mapping[str, int] | None = None) -> Path:
    """A small model at that path."""
    path.write_bytes(gguf(llama() if metadata is None else metadata, tensors() if sizes is None else sizes))
    return path
