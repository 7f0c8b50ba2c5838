"""The signs by which a prompt's task type is told: plain English words and shapes, with what each weighs.

To add a sign: a verb that opens an instruction goes to VERBS, a thing that is asked for to THINGS, a turn of phrase to
`phrases_*.py`, a shape of the text (code, a diff, a list of functions) to SHAPES. Keep signs general: words that any
person would use, never what marks one data set. About 1 is a hint, 2 a good sign, 4 as good as certain.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """One pattern and what it speaks for."""

    name: str
    task_type: str
    weight: float
    pattern: re.Pattern[str]
    needs: tuple[str, ...] = ()
    """One of these must stand there, else the pattern, which is slower to look for, need not be tried."""

    def found_in(self, text: str) -> bool:
        """Whether it stands there."""
        if self.needs and not any(part in text for part in self.needs):
            return False
        return self.pattern.search(text) is not None


def words(task_type: str, weight: float, name: str, lines: str) -> Sign:
    """A sign of whole words in lower case; each line holds alternatives, a line that ends in a backslash goes on."""
    return Sign(name, task_type, weight, re.compile(rf"\b(?:{_joined(lines)})(?!\w)"))


def shape(task_type: str, weight: float, name: str, lines: str, needs: tuple[str, ...] = ()) -> Sign:
    """A sign of any characters, as they stand; each line holds alternatives, `^` is the start of a line."""
    return Sign(name, task_type, weight, re.compile(_joined(lines), re.MULTILINE), needs)


def _joined(lines: str) -> str:
    whole = re.sub(r"\\\n\s*", "", lines.strip())
    return "|".join(line.strip() for line in whole.splitlines())


def _verbs(*rows: tuple[str, float, str]) -> dict[str, tuple[str, float]]:
    return {verb: (task_type, weight) for task_type, weight, verbs in rows for verb in verbs.split()}


VERBS: dict[str, tuple[str, float]] = _verbs(
    ("summarization", 4.0, "summarize summarise condense recap abridge tldr"),
    ("summarization", 2.5, "shorten sum compress outline digest"),
    ("rewriting", 4.0, "rewrite rephrase reword paraphrase proofread polish restate"),
    ("rewriting", 3.0, "translate simplify tidy formalize"),
    ("rewriting", 1.5, "edit improve correct tweak"),
    ("classification", 4.0, "classify categorize categorise label"),
    ("classification", 2.5, "tag sort group bucket"),
    ("parameter_extraction", 4.0, "extract"),
    ("parameter_extraction", 2.0, "parse pull identify"),
    ("error_quality_scoring", 3.5, "rate score grade judge rank"),
    ("error_quality_scoring", 2.5, "evaluate critique assess"),
    ("decomposition", 4.0, "decompose subdivide"),
    ("decomposition", 2.0, "plan split organize divide"),
    ("code_review", 4.0, "debug troubleshoot"),
    ("code_review", 1.5, "review fix audit inspect diagnose"),
    ("coding", 3.0, "implement refactor code program extend"),
    ("coding", 1.5, "port migrate optimize optimise"),
    ("reasoning", 3.5, "prove derive solve deduce disprove"),
    ("reasoning", 2.5, "calculate compute estimate determine analyze analyse weigh"),
    ("research", 3.5, "research investigate google"),
    ("research", 1.5, "search explore survey"),
    ("reflection", 4.0, "reflect remember memorize"),
    ("reflection", 2.0, "note recall store"),
    ("tool_calling", 3.0, "book reserve order schedule invoke cancel remind"),
    ("tool_calling", 2.0, "send turn play call fetch open delete check transfer run start stop post"),
    ("instruction_routing", 3.5, "route dispatch"),
    ("instruction_routing", 2.5, "assign forward delegate triage"),
    ("rationale_generation", 4.0, "justify rationalize"),
    ("quick", 1.5, "define name list explain describe tell suggest recommend brainstorm spell convert"),
    ("quick", 0.5, "what what's who who's when where which whose is are does do did can how why was were has will"),
)
"""A verb (or question word) that opens an instruction -> task type and weight."""

MAKERS = frozenset(
    (
        *("write", "create", "build", "make", "generate", "develop", "design", "add", "give", "produce", "provide"),
        *("draft", "convert", "port", "show", "prepare", "need", "want", "come", "set", "complete", "construct"),
        *("put", "compose"),
    )
)
"""Verbs that say nothing alone: what is to be made (THINGS) tells the type."""

LANGUAGES = (
    r"python|javascript|typescript|java|golang|rust|c\+\+|cpp|c#|ruby|php|kotlin|swift|scala|haskell|bash|shell|sql|html|"
    r"css|react|django|flask|fastapi|node(?:\.?js)?|powershell|perl|matlab|postgres(?:ql)?|sqlite|pandas|numpy|terraform|"
    r"docker"
)

THINGS: tuple[Sign, ...] = (
    words(
        "coding",
        3.5,
        "code to be made",
        rf"""
        functions?|scripts?|program|class(?:es)?|method|(?:sql )?query|regex|regular expression|endpoints?|component
        unit tests?|tests? for|pytest|algorithm|module|cli|command[- ]line|dockerfile|hook|parser|decorator|code
        snippet
        makefile|(?:web )?app|application|website|web page|plugin|scraper|crawler|(?:rest )?api|api client|middleware
        linked list|binary (?:search )?tree|state machine|data structure|github actions?|cron ?job|migration
        type hints?
        docstrings?|(?:{LANGUAGES}) \w+|one-liner|library|server|bot|game|test suite|database schema
        """,
    ),
    words("summarization", 3.5, "a summary", r"summary|summaries|synopsis|gist|abstract|recap|minutes|tl;?dr"),
    words(
        "summarization",
        2.5,
        "the main points",
        r"""
        (?:key|main|important|top) (?:points|takeaways|ideas|findings|highlights)
        overview of (?:this|these|what|the following)|short version
        """,
    ),
    words(
        "decomposition",
        3.0,
        "a plan or its steps",
        r"""
        (?:project|action|implementation|migration|launch|rollout|work|study|learning|training) plan|plan (?:for|to)
        step[- ]by[- ]step plan|roadmap|subtasks?|sub-tasks|sub-?questions|breakdown|milestones|to-?do list|task list
        checklist|list of (?:tasks|steps)
        """,
    ),
    words("rationale_generation", 3.5, "a rationale", r"rationale|justification"),
    words(
        "research",
        2.5,
        "a report",
        r"""
        report|literature (?:review|survey)|market (?:analysis|research)|overview of the|survey of|competitive analysis
        case studies|comparison of
        """,
    ),
    words(
        "rewriting",
        3.0,
        "another version",
        r"""
        (?:more|less|sound|better|shorter|clearer|formal|polite|new|differently) version|paraphrase|translation
        differently|(?:passive|active) voice|in the style of
        """,
    ),
    words(
        "quick",
        1.5,
        "a short text",
        r"poem|haiku|joke|story|slogan|tagline|names?|email|tweet|titles?|example|ideas?|definition|recipe|greeting",
    ),
)
"""What is asked for, looked for in the clause of a MAKERS verb."""

_DIGITS = tuple("0123456789")

SHAPES: tuple[Sign, ...] = (
    shape(
        "tool_calling",
        9.0,
        "a list of functions",
        r"""
        \"(?:parameters|input_?schema|arguments)\"\s*:\s*\{\s*\"
        <tools>|\"type\"\s*:\s*\"function\"
        """,
        ("{", "<tools>"),
    ),
    shape(
        "code_review",
        4.0,
        "a stack trace",
        r"""
        Traceback \(most recent call last\)
        ^[ \t]+at [\w.$<>]+\([^\n]*:\d+\)
        \bpanicked at\b
        ^[ \t]*File \"[^\"\n]+\", line \d+
        """,
        ("Traceback", " at ", "\tat ", "panicked", 'File "'),
    ),
    shape("code_review", 3.0, "a diff", r"^diff --git |^@@ -\d+|^\+\+\+ |^<<<<<<< ", ("--git", "@@ -", "+++ ", "<<<<")),
    shape("code_review", 2.5, "an exception", r"\b[A-Z]\w+(?:Error|Exception)\b", ("Error", "Exception")),
    shape(
        "private",
        3.0,
        "an address",
        r"""
        \b\d{1,5}[A-Za-z]?,? (?:[A-Z][\w'.]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Terrace|Court|Ct|\
            Place)\b
        \b\d{1,5} (?:[A-Z][\w'.]+ ){1,3}(?:Boulevard|Blvd|Way|Circle|Square|Parkway)\b
        \bP\.?O\.? Box \d+|\b(?:Suite|Apt\.?|Apartment) \d+
        """,
        _DIGITS,
    ),
    shape(
        "private",
        4.0,
        "an identity or account number",
        r"""
        \b\d{3}-\d{2}-\d{4}\b
        \b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,4})?\b
        """,
        _DIGITS,
    ),
    shape(
        "private",
        2.0,
        "a phone number",
        r"""
        (?<![\d.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{3}[ .-])\d{3,4}[ .-]\d{3,4}(?!\d)
        \+\d{10,13}\b
        """,
        _DIGITS,
    ),
    shape("private", 2.0, "an e-mail address", r"\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b", ("@",)),
)
"""Shapes of the text itself, looked for in its first and last few thousand characters."""

CODE_FILES = frozenset(
    (
        *("py", "ipynb", "js", "jsx", "ts", "tsx", "java", "kt", "swift", "scala", "go", "rs", "c", "h", "cc", "cpp"),
        *("hpp", "cs", "rb", "php", "lua", "r", "sh", "sql", "html", "css", "vue", "toml", "yaml"),
    )
)
DIFF_FILES = frozenset(("diff", "patch"))
LOG_FILES = frozenset(("log", "trace", "out"))
