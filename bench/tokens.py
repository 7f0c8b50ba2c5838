"""Tokens as one fixed tokenizer counts them: o200k, in `rs-bpe`, which carries its vocabulary and needs no network."""

import importlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Protocol, cast


class _Tokenizer(Protocol):
    def count(self, text: str) -> int: ...


@cache
def _o200k() -> _Tokenizer:
    module: Any = importlib.import_module("rs_bpe.bpe")  # its Python wrapper works only once this is loaded
    return cast("_Tokenizer", module.openai.o200k_base())


def count(text: str) -> int:
    """O200k tokens of a text."""
    return _o200k().count(text)


def tool_list(tools: Iterable[Mapping[str, Any]]) -> str:
    """What is counted of `tools/list`: each tool's name, description and inputSchema, as one compact JSON array."""
    shown = [{key: tool[key] for key in ("name", "description", "inputSchema") if key in tool} for tool in tools]
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
