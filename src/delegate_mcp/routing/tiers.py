"""The order of the tiers: what a piece of work asks for, and which task type takes it. Pure; the order is data.

To add a sign: a row in SIGNS; `rules.toml` names signs in its [[tiers]].
"""

import re
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass

from delegate_mcp.catalog.table import Table, nearest
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.domain.plan import Complexity

SIGNS: Mapping[str, re.Pattern[str]] = {
    "design": re.compile(
        r"\b(?:(?:re-?)?design(?:s|ing)?\b(?! (?:a )?(?:logo|poster|flyer))|(?:re-?)?architect\w*|system design|"
        r"data ?model\w*|trade-?offs?|adrs?\b|rfcs?\b|technology choice|which (?:database|framework|approach|"
        r"architecture)|strategy|roadmap|(?:entwirf|entwurf|architektur|dise\u00f1a|con\u00e7ois)\w*)",
    ),
    "critical": re.compile(
        r"\b(?:critical|mission[- ]critical|irreversible|outages?|incidents?|sev-?[01]|data loss|security|"
        r"vulnerab\w+|threat model\w*|payments?|billing|authenti\w+|authori[sz]ation|compliance|gdpr|hipaa|"
        r"safety|production (?:database|data|migration)|root cause|kritisch\w*|sicherheit\w*)\b"
    ),
    "implementation": re.compile(
        r"\b(?:implement\w*|code|program|refactor\w*|fix(?:es)?|debug|migrate|port|integrat\w+|"
        r"(?:write|add|build|create) (?:\w+ ){0,4}?(?:function|class|module|tests?|endpoint|feature|script|api|"
        r"component|query|parser|service|cli|page|migration)s?|unit tests?|pull request|implementier\w*|"
        r"programmier\w*)\b"
    ),
    "routine": re.compile(
        r"\b(?:rename|format|reformat|lint|boilerplate|docstrings?|comments?|typos?|translate|convert|summari[sz]e|"
        r"extract|classif\w+|label|tag|sort|list|rephrase|reword|each (?:file|row|item)|bulk|changelog|release notes|"
        r"version bump|bump|fasse|\u00fcbersetze)\b"
    ),
}
"""Sign -> the words that tell it."""

_CODE_TYPES = ("coding", "code_review", "implementation", "execution")
_NAMES = (*SIGNS, "rented")
_KEYS = ("when", "every", "take", "first")
_READ = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """One row of the order."""

    take: str
    """The task type."""
    when: tuple[str, ...] = ()
    """Signs; none: it takes the rest."""
    every: bool = False
    """All signs, not one of them."""
    first: str = ""
    """Who stands before the row's own candidates."""
    place: str = "rules.toml"

    def takes(self, seen: Container[str]) -> bool:
        """Whether it takes work of these signs."""
        found = [sign in seen for sign in self.when]
        return (all if self.every else any)(found) if found else True


def tier_signs(prompt: str, task_type: str, complexity: Complexity, *, rented: bool) -> dict[str, str]:
    """Sign -> what told it. `task_type`: as the classifier found it; `rented`: a rented machine runs."""
    text = prompt[:_READ].lower()
    found = {name: match[0] for name, pattern in SIGNS.items() if (match := pattern.search(text))}
    if task_type in _CODE_TYPES:
        found.setdefault("implementation", f"the kind of work, {task_type}")
    if complexity == "simple":
        found.setdefault("routine", "simple work")
    if rented:
        found["rented"] = "a rented machine runs"
    return found


def tier_rows(top: Table, source: str, known: Collection[str]) -> tuple[TierRow, ...]:
    """The [[tiers]] of a rules file. ConfigError: a row names an unknown sign or task type, or none takes the rest."""
    rows = tuple(_row(row, source, known) for row in top.rows("tiers"))
    if not rows or rows[-1].when:
        raise ConfigError(
            f"{source}, [[tiers]]: the last row must be without `when`, so that something takes the rest."
        )
    return rows


def _row(row: Table, source: str, known: Collection[str]) -> TierRow:
    row.only(_KEYS)
    take = row.text("take")
    if take not in known:
        raise ConfigError(f"{row.place('take')}: there is no task type {take!r}.{nearest(take, known)}")
    return TierRow(
        take=take,
        when=row.texts("when", (), among=_NAMES),
        every=row.flag("every", default=False),
        first=row.text("first", ""),
        place=f"{source}, [[tiers]]",
    )
