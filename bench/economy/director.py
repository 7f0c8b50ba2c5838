"""The scripted director: what it writes and reads for a job, and the first way of doing one, itself.

Counted is text: what the director writes (arguments of tool calls, answers) and what it reads (results, files), each
once. That is the least that it can be: a host sends the whole conversation again with every request, so that a file
read early is paid for many times over, if at a lower price. `with_rereading` counts that too.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import tokens
from bench.economy.jobs import Job, answer_of, edits_of, patch_of
from bench.economy.project import SHOWN, entry_text, grep, numbered

WRITTEN = "File created successfully at: {path}"
APPLIED = "Done"
"""What hosts say, about: their tools' own results are the same in all ways."""


@dataclass(slots=True)
class Spent:
    """What one job cost its director, request by request: tokens written, tokens then read."""

    requests: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    failed: str = ""
    """The server's words, where it did not do the job."""
    tier: str = ""
    """Where a call of ours was answered, by its own word."""

    @property
    def total(self) -> int:
        """Written and read, each once."""
        return sum(wrote + read for wrote, read in self.requests)

    def call(self, tool: str, arguments: dict[str, Any], result: str, project: Path) -> None:
        """One tool call and its result as text."""
        made = json.dumps({"name": tool, "arguments": arguments}, ensure_ascii=False, separators=(",", ":"))
        self.requests.append((_count(made, project), _count(result, project)))

    def write(self, text: str) -> None:
        """An answer written in the conversation."""
        self.requests.append((tokens.count(text), 0))

    def read(self, project: Path, entry: str) -> None:
        """One use of the host's own Read or Bash."""
        if entry.startswith("git:"):
            command = "git " + entry.removeprefix("git:").replace(":", " ")
            self.call("Bash", {"command": command}, entry_text(project, entry), project)
            return
        name, _, lines = entry.partition(":")
        asked: dict[str, Any] = {"file_path": str(project / name)}
        if lines:
            first, last = (int(number) for number in lines.split("-"))
            asked |= {"offset": first, "limit": last - first + 1}
        self.call("Read", asked, numbered(project, entry), project)

    def save(self, project: Path, path: str, text: str) -> None:
        """One use of the host's own Write."""
        self.call("Write", {"file_path": str(project / path), "content": text}, WRITTEN.format(path=path), project)

    def patch(self, project: Path, text: str) -> None:
        """A diff given to git in the host's own Bash, which costs less than an Edit for each of its hunks."""
        self.call("Bash", {"command": f"git apply <<'EOF'\n{text}EOF"}, APPLIED, project)


def _count(text: str, project: Path) -> int:
    return tokens.count(text.replace(str(project), SHOWN))


def with_rereading(listing: int, spents: Sequence[Spent]) -> int:
    """The same when every request sends all of the conversation before it again."""
    context, total = listing, 0
    for wrote, read in (request for spent in spents for request in spent.requests):
        total += context + wrote
        context += wrote + read
    return total


def does_itself(job: Job, project: Path, number: int) -> Spent:
    """The director searches and reads what it must, and writes the answer, the file or the patch."""
    spent = Spent()
    if job.grep:
        found = grep(project, job.grep, job.files)
        spent.call("Grep", {"pattern": job.grep, "path": str(project / job.files[0])}, found, project)
    for entry in job.itself_reads:
        spent.read(project, entry)
    finish(spent, job, project, answer_of(job, project, number))
    if not (job.save_to or job.is_patch):
        spent.write(answer_of(job, project, number))
    return spent


def finish(spent: Spent, job: Job, project: Path, answer: str) -> None:
    """What a director does with an answer that is to be a file or a change and that no server put there."""
    if job.save_to:
        spent.save(project, job.save_to, answer)
    if job.is_patch:
        spent.patch(project, patch_of(job.files[0], edits_of(project, job.files[0], job.tokens)))
