"""From a prompt to its task type: explainable signs, no model, no learning, under a millisecond.

People put what they want into the first or the last words and what it is about between them, so verbs and phrases count
only there; shapes (code, diffs, lists of functions) count anywhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from delegate_mcp.routing import signals as signs
from delegate_mcp.routing.phrases import PHRASES
from delegate_mcp.routing.task_types import BY_NAME

LONG_CONTEXT_FROM = 32_000
"""Input tokens above which general work goes to a long-context model."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A task type, how sure that is, and the signs it rests on."""

    task_type: str
    confidence: float
    """0 to 1."""
    signals: tuple[str, ...]


_HEAD = 700
_TAIL = 300
_SHAPE_HEAD = 3_000
_SHAPE_TAIL = 1_000
_MARKS_IN = 1_500
_CLAUSES = 6

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CLAUSE = re.compile(r"[.!?]\s+|\n+|:\s|;\s|,? (?:and then|then|and) (?=[a-z]+ )")
_POLITE = re.compile(
    r"(?:[\W_]+|(?:please|pls|kindly|hi|hey|hello|ok|okay|so|now|first|then|also|just|thanks|quickly|briefly|claude|"
    r"can you|could you|would you|will you|can i get you to|i(?:'d| would) like (?:you to|to)|i need (?:you )?to|i want (?:you )?to|"
    r"i(?:'m| am) trying to|help me(?: to)?|help|let's|let us|you (?:are going|need|have) to|your (?:task|job|goal) is to|"
    r"try to|go ahead and|using the \w+ below,?)\b[,:]?\s*)+"
)
_WORD = re.compile(r"[a-z][a-z'-]*")
_CODE_LINE = re.compile(
    r"^[ \t]*(?:def |class |import |from \w+ import |function |const |let |var |public |private |protected |#include|return\b|"
    r"if ?\(|for ?\(|while ?\(|\w+\([^\n]*\);?$|[^\n]*[{};]$|select .+ from |package |fn |func |using )",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![\w.])\$?\d[\d,]*(?:\.\d+)?%?(?![\w])|\b(?:two|three|four|five|six|seven|eight|nine|ten|twice|half|dozen|double)\b"
)
_HOW_MANY = re.compile(
    r"\b(?:how (?:many|much|long|far|old|fast|tall|often)|what (?:is|was|will be|would be|are) (?:the )?(?:total|sum|average|"
    r"difference|percentage|price|cost|speed|ratio|area|volume|minimum|maximum|value|profit)|how .{0,20} in total)\b"
)
_STATEMENT_END = re.compile(r"[.!](?:\s|\Z)")
_CODE_MARK = re.compile(
    r"=>|\(\)[;{.]|\+\+[;)]|&&|\|\||\w+\[\w+\]|^(?:async )?def \w+\(|\bfunction \w*\(|#include|SELECT .{1,80} FROM |</\w+>|"
    r"\w+\.\w+\(|[!=]==?[^=]|;\s*$|::",
    re.MULTILINE,
)
_STUB = re.compile(r"^[ \t]*(?:async )?(?:def|function|fn|func) \w+\([^)]*\)[^\n]*\n?\s*(?:\"\"\"|'''|//|#|/\*)", re.MULTILINE)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")


def classify(
    prompt: str,
    files: Sequence[str] = (),
    schema: bool = False,
    input_tokens: int = 0,  # noqa: FBT001, FBT002  # one fact
) -> Classification:
    """Weigh every sign and take the heaviest task type; `quick` where nothing speaks."""
    found = list(_signs(prompt, files, schema=schema))
    points: dict[str, float] = {"quick": 0.75}
    for _, task_type, weight in found:
        points[task_type] = points.get(task_type, 0.0) + weight
    ranked = sorted(points.items(), key=lambda row: -row[1])
    best, score = ranked[0]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    names = tuple(dict.fromkeys(name for name, task_type, _ in found if task_type == best))
    # Sure where the winner is strong by itself and stands well above the next.
    # `quick` is what remains, so it is sure where nothing else speaks.
    strength = min(1.0, (score + (1.5 if best == "quick" else 0.0)) / 4)
    confidence = round(strength * (0.5 + 0.5 * (score - second) / score), 2)
    if input_tokens > LONG_CONTEXT_FROM and BY_NAME[best].stretches:
        return Classification("long_context", 1.0, (f"{input_tokens:,} tokens to read", *names))
    return Classification(best, confidence, names or ("nothing in particular",))


_Found = tuple[str, str, float]


def _signs(prompt: str, files: Sequence[str], *, schema: bool) -> Iterator[_Found]:
    bare = _FENCE.sub("\n", prompt[: _SHAPE_HEAD * 8]) if "```" in prompt else prompt
    whole = len(bare) <= _HEAD + _TAIL
    head, tail = (bare, "") if whole else (bare[:_HEAD], bare[-_TAIL:])
    edges = f"{head}\n{tail}".lower().replace("\u2019", "'")
    shape = prompt if len(prompt) <= _SHAPE_HEAD + _SHAPE_TAIL else f"{prompt[:_SHAPE_HEAD]}\n{prompt[-_SHAPE_TAIL:]}"
    yield from _verbs(head, tail)
    for sign in PHRASES:
        if sign.pattern.search(edges):
            yield sign.name, sign.task_type, sign.weight
    for sign in signs.SHAPES:
        if sign.pattern.search(shape):
            yield sign.name, sign.task_type, sign.weight
    yield from _arithmetic(bare, edges)
    if any(_luhn(match[0]) for match in _CARD.finditer(shape)):
        yield "a card number", "private", 4.5
    coded = list(_code(prompt, shape))
    yield from coded
    if not coded and _is_note(bare, edges):
        yield "a note without a question", "reflection", 1.5
    elif not coded and bare.rstrip().endswith("?") and len(_STATEMENT_END.findall(bare[:2000])) > 1:
        yield "facts and then a question", "reasoning", 1.25
    yield from _files(files)
    if schema:
        yield "a schema to fill", "parameter_extraction", 0.75


def _verbs(head: str, tail: str) -> Iterator[_Found]:
    clauses = [clause for clause in _CLAUSE.split(head.lower()) if clause.strip()][:_CLAUSES]
    last = [clause for clause in _CLAUSE.split(tail.lower()) if clause.strip()][-2:]
    for place, clause in enumerate((*clauses, *last)):
        said = clause[polite.end() :] if (polite := _POLITE.match(clause)) else clause
        word = _WORD.match(said)
        if word is None:
            continue
        verb = word[0]
        share = 1.0 if place == 0 or (last and place >= len(clauses) + len(last) - 1) else 0.4
        if verb in signs.MAKERS:
            for thing in signs.THINGS:
                if thing.pattern.search(said[:160]):
                    yield f"asks for {thing.name}", thing.task_type, thing.weight * share
        elif verb in signs.VERBS:
            task_type, weight = signs.VERBS[verb]
            yield f"opens with {verb!r}", task_type, weight * share


def _code(prompt: str, shape: str) -> Iterator[_Found]:
    lines = len(_CODE_LINE.findall(shape))
    if "```" in prompt or lines > 2:  # noqa: PLR2004  # two such lines may be prose
        yield "holds code", "coding", 1.0
        yield "holds code", "code_review", 1.5
    elif _CODE_MARK.search(shape[:_MARKS_IN]):
        yield "holds a line of code", "coding", 0.75
        yield "holds a line of code", "code_review", 1.25
    if _STUB.search(shape):
        yield "a function to fill in", "coding", 3.5


def _arithmetic(bare: str, edges: str) -> Iterator[_Found]:
    if _HOW_MANY.search(edges):
        numbers = len(_NUMBER.findall(bare[:2000].lower()))
        if numbers > 1:
            yield "numbers and a question of how much", "reasoning", 3.5
        else:
            yield "asks how much", "reasoning", 1.5


def _is_note(bare: str, edges: str) -> bool:
    """Statements only: several sentences, no question, and no verb that asks."""
    first = _WORD.search(edges)
    asks = first is not None and (first[0] in signs.VERBS or first[0] in signs.MAKERS)
    return not asks and "?" not in edges and len(_STATEMENT_END.findall(bare[:2000])) > 1


def _files(files: Sequence[str]) -> Iterator[_Found]:
    kinds = {PurePath(path.replace("\\", "/")).suffix.lstrip(".").lower() for path in files}
    if kinds & signs.DIFF_FILES:
        yield "a diff among the files", "code_review", 3.0
    if kinds & signs.LOG_FILES:
        yield "a log among the files", "code_review", 1.0
    if kinds & signs.CODE_FILES:
        yield "code among the files", "coding", 1.0
        yield "code among the files", "code_review", 1.0


def _luhn(number: str) -> bool:
    digits = [int(char) for char in number if char.isdigit()]
    doubled = [digit if place % 2 == 0 else sum(divmod(digit * 2, 10)) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
