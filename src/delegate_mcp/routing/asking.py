"""Asking a fast model what kind of work a prompt is, where the signs are unsure: question, answer, and the kept key.

Pure: who asks is `calling`. The answer is closed, so anything that is not one of the names counts as none.
"""

import re
from hashlib import sha256
from typing import Literal

from delegate_mcp.routing.classifier import Classification
from delegate_mcp.routing.rules import Rules
from delegate_mcp.routing.task_types import BY_NAME
from delegate_mcp.routing.weights import load_weights

Asking = Literal["never", "unsure", "always"]

UNSURE_BELOW = 0.6
"""Of the prompts that are told with less confidence some four in ten are told wrong (`bench/routing_accuracy.py`)."""

ANSWER_TOKENS = 256
"""Ceiling of the answer: a word, and what a model thinks before it."""

ASKED_CONFIDENCE = 0.8
_HEAD = 1_200
_TAIL = 400
_NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")


def worth_asking(found: Classification, asking: Asking) -> bool:
    """Whether a model is to be asked; never about what is private, which the gate and the signs decide alone."""
    if asking == "never" or found.task_type in ("private", "long_context"):
        return False
    return asking == "always" or found.confidence < UNSURE_BELOW


def question(prompt: str, rules: Rules) -> str:
    """What the model is asked: the prompt's edges, and every name it may answer with."""
    cut = len(prompt) > _HEAD + _TAIL
    shown = f"{prompt[:_HEAD]}\n[...]\n{prompt[-_TAIL:]}" if cut else prompt
    names = "\n".join(f"{name}: {rules.rows[name].description}" for name in _among())
    return (
        "Which kind of work does the request between the lines ask for? Do not do it. Answer with one name of these.\n"
        f"\n{names}\n\n-----\n{shown}\n-----\n\nName:"
    )


def kept_key(asked: str) -> str:
    """Under what an answer may be kept: the same question has the same answer."""
    return sha256(asked.encode()).hexdigest()


def answered(text: str, found: Classification) -> Classification | None:
    """What the model's answer makes of the classification; None: it is none of the names, and `found` stays."""
    names = [name for name in _NAME.findall(text.lower()) if name in _among()]
    if len(set(names)) != 1:
        return None
    if names[0] == found.task_type:
        return Classification(names[0], max(found.confidence, ASKED_CONFIDENCE), (*found.signals, "a model agrees"))
    return Classification(names[0], ASKED_CONFIDENCE, ("a model said so",), found.task_type)


def _among() -> tuple[str, ...]:
    """What the classifier may find, but nothing that keeps a call here: a model's word must not take it away either."""
    return tuple(name for name in load_weights().labels if name in BY_NAME and name != "private")
