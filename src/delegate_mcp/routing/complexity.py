"""How hard a piece of work is: simple, moderate or complex, from signs that can be named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from delegate_mcp.domain.plan import Complexity
from delegate_mcp.routing import shapes


@dataclass(frozen=True, slots=True)
class ComplexityVerdict:
    """The verdict and what speaks for it."""

    complexity: Complexity
    points: float
    signals: tuple[str, ...]


_LONGEST_SUM = 1_200
_NUMBERS_OF_A_SUM = 3
_LINES_OF_CODE = 3
_MODERATE_FROM = 1.5
_COMPLEX_FROM = 3.5

_HARD = re.compile(
    r"\b(?:architect\w*|distributed|concurren\w+|thread[- ]safe|race conditions?|deadlock\w*|lock[- ]free|scalab\w+|"
    r"high[- ]availability|fault[- ]toleran\w+|migrat\w+|redesign\w*|re-?architect\w*|refactor\w*|"
    r"rewrite the (?:whole|entire)|end[- ]to[- ]end|production[- ]ready|multi[- ]tenant|"
    r"cryptograph\w+|compilers?|interpreter|dynamic programming|np[- ]hard|optimal\w*|prove|proof|theorem|"
    r"threat model\w*|root cause|trade-?offs?|consensus|back-?pressure|idempoten\w+|transaction\w*|protocol|"
    r"state machine|whole (?:project|codebase|repository))\b"
)
_BROAD = re.compile(
    r"\b(?:comprehensive\w*|in[- ]depth|thorough\w*|detailed|complete|full|entire|all (?:of )?(?:the|our)|across|"
    r"several|multiple|each of|both|compare|evaluate|integrat\w+|with tests|unit tests|error handling|edge cases)\b"
)
_MUST = re.compile(
    r"\b(?:must|should|ensure|make sure|without|except|unless|at least|at most|no more than|only if|also)\b"
)
_ITEM = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)]|[a-z]\))\s+\S", re.MULTILINE)
_EASY = re.compile(
    r"\b(?:simple|simply|quick(?:ly)?|short|brief(?:ly)?|tiny|one[- ]liner|in one (?:sentence|line|word)|just|trivial|"
    r"basic|hello world)\b"
)


def judge_complexity(prompt: str, files: Sequence[str] = (), input_tokens: int = 0) -> ComplexityVerdict:
    """Judge by the words of the instruction, how many things it asks for, and the size of what comes with it."""
    text = prompt[:4000].lower()
    words = len(text.split())
    items = len(_ITEM.findall(text))
    found = (
        ("hard subject", 1.5 * min(3, len(set(_HARD.findall(text))))),
        ("broad demand", 0.5 * min(3, len(set(_BROAD.findall(text))))),
        ("conditions", 0.4 * max(0, min(5, len(_MUST.findall(text))) - 1)),
        ("a list of demands", 0.3 * min(6, items) if items > 1 else 0.0),
        ("a long instruction", 1.5 if words > 250 else 0.75 if words > 80 else 0.0),  # noqa: PLR2004  # a page, a paragraph
        ("several questions", 0.5 if text.count("?") > 2 else 0.0),  # noqa: PLR2004  # a follow-up is still one
        ("several files", min(2.0, 0.5 * (len(files) - 1)) if len(files) > 1 else 0.0),
        ("much to read", 2.0 if input_tokens > 20_000 else 1.0 if input_tokens > 4_000 else 0.0),  # noqa: PLR2004
        ("many quantities", _quantities(text)),
        ("much code", _code(text)),
        ("asks for little", -1.0 if _EASY.search(text) else 0.0),
    )
    points = sum(value for _, value in found)
    verdict: Complexity = "complex" if points >= _COMPLEX_FROM else "moderate" if points >= _MODERATE_FROM else "simple"
    return ComplexityVerdict(verdict, points, tuple(name for name, value in found if value))


def _quantities(text: str) -> float:
    """A sum is the harder, the more numbers stand in it and the more they hang together."""
    if len(text) > _LONGEST_SUM or not (shapes.HOW_MANY.search(text) or text.rstrip().endswith("?")):
        return 0.0
    numbers = len(shapes.NUMBER.findall(text))
    if numbers < _NUMBERS_OF_A_SUM:
        return 0.0
    steps = numbers + len(shapes.RELATION.findall(text)) / 2
    return round(max(0.0, min(4.0, 1.3 * (steps - 5.0))), 2)


def _code(text: str) -> float:
    """Code that comes along is the harder to deal with, the more it branches."""
    if len(shapes.CODE_LINE.findall(text)) < _LINES_OF_CODE:
        return 0.0
    words = len(shapes.CODE_WORD.findall(text))
    return round(max(0.0, min(3.0, 0.2 * (words - 3))), 2)
