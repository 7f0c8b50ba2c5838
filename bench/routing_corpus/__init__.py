r"""Prompts of our own, written as templates: what the classifier's weights are learned from.

One file for each task type, one template a line: `{a|b}` is one of the alternatives (they may be nested), `<topic>` a
word of `slots.txt`, `\n` a line break. Write templates as people write prompts, never from a test set.

`written/` holds whole prompts, one a line below `= task type`: by more hands, so that the words are many.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
_GROUP = re.compile(r"\{([^{}]*)\}")
_ESCAPE = re.compile(r"\\(.)")
_SLOT = re.compile(r"<(\w+)>")
_POLITE = ("please ", "pls ", "can you ", "could you please ", "hey, ", "hi! ", "i need you to ", "ok so ", "help me ")
_THANKS = (" please", " thanks", " pls", " asap", " thx", "!", "..", " :)", ", thank you")


def templates() -> dict[str, list[str]]:
    """Task type -> its templates."""
    return {
        path.stem: [line for line in _lines(path) if not line.startswith("# ")]
        for path in sorted(HERE.glob("*.txt"))
        if path.stem != "slots"
    }


def written(copies: int) -> Iterator[tuple[str, str]]:
    """(prompt, task type) of the whole prompts: each as it stands, then roughened until there are so many of it."""
    for path in sorted((HERE / "written").glob("*.txt")):
        task_type = ""
        for number, line in enumerate(_lines(path)):
            if line.startswith("= "):
                task_type = line.removeprefix("= ")
                continue
            text = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], line)
            chance = random.Random(f"{path.stem} {number}")  # noqa: S311  # the same each time
            yield text, task_type
            for _ in range(copies - 1):
                yield _roughened(text, chance), task_type


def prompts(template: str, chance: random.Random, many: int) -> Iterator[str]:
    """So many different prompts of one template, roughened as people write."""
    seen: set[str] = set()
    for _ in range(many * 2):
        text = _roughened(_expanded(template, chance), chance)
        if text and text not in seen:
            seen.add(text)
            yield text
        if len(seen) == many:
            return


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def _slots() -> dict[str, list[str]]:
    rows = (line.partition(" = ") for line in _lines(HERE / "slots.txt") if not line.startswith("#"))
    return {name: value.split("|") for name, _, value in rows}


_SLOTS = _slots()
_PAYLOADS = ("art", "art", "sent", "chat", "essay", "pay_sig", "topic", "noun")


def _expanded(template: str, chance: random.Random) -> str:
    text = template
    while found := _GROUP.search(text):
        text = text[: found.start()] + chance.choice(found[1].split("|")) + text[found.end() :]
    for _ in range(2):  # slots may name slots
        text = _SLOT.sub(lambda slot: chance.choice(_SLOTS[slot[1]]) if slot[1] in _SLOTS else slot[0], text)
    return text.replace("\\n", "\n").strip()


def _roughened(text: str, chance: random.Random) -> str:
    if chance.random() < 0.12:
        text = chance.choice(_POLITE) + text
    if chance.random() < 0.1 and not text.endswith("?"):
        text += chance.choice(_THANKS)
    form = chance.random()
    if form < 0.4:
        text = text[:1].upper() + text[1:]
    elif form < 0.55 and len(text) < 200:
        text = text.lower()
    if chance.random() < 0.2:
        text = text.replace("?", "").replace("'", "")
    if chance.random() < 0.2 and "\n" not in text:
        text += chance.choice(("\n\n", "\n", "\n\n", ": ")) + chance.choice(_SLOTS[chance.choice(_PAYLOADS)]).replace(
            "\\n", "\n"
        )
    if chance.random() < 0.12:
        text = _mistyped(text, chance)
    return text


def _mistyped(text: str, chance: random.Random) -> str:
    """Two letters swapped, or one left out, somewhere in the first words."""
    place = chance.randrange(1, max(2, min(40, len(text) - 1)))
    two = text[place : place + 2]
    if len(two) < 2 or not two.isalpha():
        return text
    return text[:place] + (two[::-1] if chance.random() < 0.5 else two[0]) + text[place + 2 :]
