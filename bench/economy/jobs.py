"""The 40 jobs: what a director hands over in a day's work. The rows, and how to add one, are in jobs.toml."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench import tokens
from bench.economy.answers import CODE, PROSE, json_of, text_of
from bench.economy.project import entry_text

TABLE = Path(__file__).with_name("jobs.toml")
Form = Literal["prose", "code", "json", "patch", "files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the table."""

    name: str
    kind: str
    tool: str
    """Of ours."""
    prompt: str
    files: tuple[str, ...] = ()
    tokens: int
    """The answer's length."""
    form: Form = "prose"
    """What the answer is made of; `files`: the named files themselves, as in a translation."""
    answer: str = ""
    """A short answer in full, in place of a made one."""
    save_to: str = ""
    task_type: str = ""
    """Of our `delegate` alone."""
    follows: str = ""
    """The job whose conversation it continues."""
    fields: str = ""
    """What the JSON holds, in the words that a director uses where a tool takes no schema."""
    schema: dict[str, Any] = field(default_factory=dict[str, Any])
    grep: str = ""
    """What a director that does the job itself searches for first."""
    reads: tuple[str, ...] | None = None
    """What it then reads itself; None: the files."""

    @property
    def itself_reads(self) -> tuple[str, ...]:
        """The entries that a director reads that does the job itself."""
        return self.files if self.reads is None else self.reads

    @property
    def is_patch(self) -> bool:
        """Whether the job changes files."""
        return self.form == "patch"


def load(table: Path = TABLE) -> tuple[Job, ...]:
    """The jobs in their order."""
    rows: list[dict[str, Any]] = tomllib.loads(table.read_text(encoding="utf-8"))["jobs"]
    for row in rows:
        row.update({key: tuple(row[key]) for key in ("files", "reads") if key in row})
    return tuple(Job(**row) for row in rows)


def answer_of(job: Job, project: Path, number: int) -> str:
    """What the model says; `number` makes answers differ."""
    if job.answer:
        return job.answer
    if job.form == "json":
        return json_of(project, job.schema, job.tokens)
    if job.form == "patch":
        return patch_of(job.files[0], edits_of(project, job.files[0], job.tokens))
    if job.form == "files":
        return text_of(project, job.files, job.tokens)
    return text_of(project, CODE if job.form == "code" else PROSE, job.tokens, skip=40 * number)


@dataclass(frozen=True, slots=True)
class Edit:
    """A line put between two others of a file."""

    above: str
    line: str
    below: str
    at: int
    """The number of the line above, from 1."""

    @property
    def old(self) -> str:
        """What is replaced."""
        return f"{self.above}\n{self.below}"

    @property
    def new(self) -> str:
        """What it is replaced with."""
        return f"{self.above}\n{self.line}\n{self.below}"


def edits_of(project: Path, name: str, length: int) -> list[Edit]:
    """As many edits as a patch of so many tokens holds: a comment above a definition, each in a place of its own."""
    text = entry_text(project, name)
    lines = text.removesuffix("\n").split("\n")
    made: list[Edit] = []
    for at, line in enumerate(lines):
        if at < 1 or not line.lstrip().startswith("def ") or (made and made[-1].at >= at - 1):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        defined = line.lstrip().removeprefix("def ").partition("(")[0]
        edit = Edit(lines[at - 1], f"{indent}# {defined}: see the reference in docs/", line, at)
        if text.count(edit.old) == 1:  # an Edit tool must find its place
            made.append(edit)
        if tokens.count(patch_of(name, made)) >= length:
            break
    return made


def patch_of(name: str, edits: list[Edit]) -> str:
    """The edits as a unified diff that `git apply` takes."""
    hunks = [
        f"@@ -{edit.at},2 +{edit.at + before},3 @@\n {edit.above}\n+{edit.line}\n {edit.below}\n"
        for before, edit in enumerate(edits)
    ]
    return f"--- a/{name}\n+++ b/{name}\n" + "".join(hunks)
