"""What the name of a local model tells: is it local at all, does it chat, how good is it."""

import re
from dataclasses import replace
from functools import lru_cache

from delegate_mcp.catalog.catalog import Capability, Catalog, LocalNames, Model
from delegate_mcp.domain.model_id import ModelId

_CODE = ("coding", "code_review")
_EXPERTS = re.compile(r"(\d+)x(\d+(?:\.\d+)?)b(?![a-z\d])")
# `e4b` is Gemma's way to say "works like 4b"; `a3b` are the active parameters, after the size.
_SIZE = re.compile(r"(?<![a-df-z\d.])e?(\d+(?:\.\d+)?)([bm])(?![a-z\d])")
_QUANT = re.compile(r"([-.:](i?q\d\w*|[bf]p?\d\d|mxfp4|fp8|awq|gptq|mlx|\d+bit|gguf|latest|instruct|it|chat|hf))+$")


def plain_name(name: str) -> str:
    """A name by which two spellings of a model meet: no folder, no quantisation, `:` and `_` as `-`."""
    last = name.lower().replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return _QUANT.sub("", last).replace(":", "-").replace("_", "-")


def billions(name: str) -> float | None:
    """Billions of parameters as the name tells them; None where it does not."""
    text = name.lower().replace("_", "-")
    if experts := _EXPERTS.search(text):
        return int(experts[1]) * float(experts[2])
    if size := _SIZE.search(text):
        return float(size[1]) / (1000 if size[2] == "m" else 1)
    return None


def local_model(catalog: Catalog, model_id: ModelId) -> Model | None:
    """The model as the catalog knows it, else as its name tells; None for what does not chat or is not local."""
    known = catalog.models.get(model_id)
    if known is not None:
        return known
    # The names' table holds no mapping, so it can be a key: each name is read once.
    named, measured = _read(catalog.local, model_id), catalog.measured.get(model_id)
    return named if named is None or measured is None else replace(named, rubric={**named.rubric, **measured})


@lru_cache(maxsize=1024)
def _read(names: LocalNames, model_id: ModelId) -> Model | None:
    name = model_id.model.lower()
    if re.search(names.not_local, name) or re.search(names.not_chat, name):
        return None
    family = next((row for row in names.families if re.search(row.match, name)), None)
    size = billions(name)
    quality = names.quality
    if size is not None:
        quality = next((points for start, points in reversed(names.sizes) if start <= size), quality)
    quality = min(10, max(0, quality + (family.plus if family else 0)))
    coder = family is not None and family.coder
    able: set[Capability] = {"schema"}
    able |= {"tools"} if family and family.tools else set()
    able |= {"vision"} if re.search(names.sees, name) else set()
    told = f"{size:g}b in its name" if size is not None else "no size in its name"
    return Model(
        model_id=model_id,
        context_tokens=names.context_tokens,
        max_output_tokens=names.max_output_tokens,
        quality=max(0, quality - 1) if coder else quality,
        rubric=dict.fromkeys(_CODE, min(10, quality + 1)) if coder else {},
        capabilities=frozenset(able),
        limits=(),
        free=True,
        source=f"inferred: {told}, {'a known family' if family else 'no known family'}",
    )
