"""The ways of doing the jobs through a server, over MCP's stdio: a class for each, which knows how its tools are used.

To add a server: a class with the methods of Way and a line in `runs.SERVERS`.
"""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.types import TextContent

from bench.economy.director import APPLIED, Spent, finish
from bench.economy.jobs import Job, answer_of, edits_of
from bench.economy.project import entry_text
from bench.economy.service import Service


@dataclass(slots=True)
class Way(ABC):
    """How a director does jobs through a server."""

    client: Client
    service: Service
    project: Path
    kept: dict[str, str] = field(default_factory=dict[str, str])
    """Of jobs done before, what a follow-up needs: an id, or the answer."""

    @abstractmethod
    async def do(self, job: Job, number: int) -> Spent:
        """Do one, and tell what it cost."""


async def called(spent: Spent, client: Client, tool: str, arguments: dict[str, Any], project: Path) -> str:
    """A tool's result as the director reads it: its text alone, in favour of servers that send it structured too."""
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        spent.failed = spent.failed or f"{tool}: {text[:300]}"
    told = (result.meta or {}).get("delegate", {})
    spent.tier = told.get("route", {}).get("tier", "")
    spent.call(tool, arguments, text, project)
    return text


def lean(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments without those that say nothing."""
    return {name: value for name, value in arguments.items() if value}


class Ours(Way):
    """Files by path, `save_to` for what is to be a file, the schema where JSON is asked for."""

    async def do(self, job: Job, number: int) -> Spent:
        """One call: the server writes files and makes changes."""
        spent = Spent()
        edits = edits_of(self.project, job.files[0], job.tokens) if job.is_patch else ()
        blocks = [f"{job.files[0]}\n<<<<<<< SEARCH\n{edit.old}\n=======\n{edit.new}\n>>>>>>> REPLACE" for edit in edits]
        self.service.say("\n\n".join(blocks) or answer_of(job, self.project, number))
        arguments = {
            "prompt": job.prompt,
            "task_type": job.task_type,
            "files": list(job.files),
            "edit": job.is_patch,
            "save_to": job.save_to,
            "json_schema": job.schema,
            "thread": self.kept.get(job.follows, ""),
        }
        text = await called(spent, self.client, job.tool, lean(arguments), self.project)
        self.kept[job.name] = next(iter(re.findall(r"\bc\d{6,}\b", text)), "")
        if edits and edits[-1].line not in entry_text(self.project, job.files[0]):
            spent.failed = spent.failed or f"nothing was changed: {text[:200]}"
        return spent


class Pal(Way):
    """pal-mcp-server: `chat`, which takes files and answers at once. Its other tools first ask for steps of one's own.

    It takes files and folders by path; what git shows is put into a file for it. It saves nothing that is meant as a
    file, and its answers are read whole.
    """

    async def do(self, job: Job, number: int) -> Spent:
        """One call of `chat`; what is to be a file or a change the director then writes."""
        spent = Spent()
        answer = answer_of(job, self.project, number)
        self.service.say(answer)
        paths = [self._path(spent, job, entry) for entry in job.files]
        arguments = {
            "prompt": " ".join(filter(None, (job.prompt, job.fields, "Give a unified diff." if job.is_patch else ""))),
            "absolute_file_paths": paths,
            "working_directory_absolute_path": str(self.project),
            "continuation_id": self.kept.get(job.follows, ""),
        }
        text = await called(spent, self.client, "chat", lean(arguments), self.project)
        self.kept[job.name] = next(iter(re.findall(r'"continuation_id":"([^"]+)"', text)), "")
        if not self.kept[job.name]:
            spent.failed = spent.failed or text[:300]
        finish(spent, job, self.project, answer)
        return spent

    def _path(self, spent: Spent, job: Job, entry: str) -> str:
        if not entry.startswith("git:"):
            return str(self.project / entry)
        file = self.project / f"{job.name}.diff"
        command = f"git {entry.removeprefix('git:').replace(':', ' ')} > {file.name}"
        spent.call("Bash", {"command": command}, "", self.project)
        file.write_text(entry_text(self.project, entry), encoding="utf-8")
        return str(file)


class LlmRouting(Way):
    """llm-routing as its rules say: `llm` for text, `llm_edit` for edits, `llm_local_task` for what is private.

    `llm` takes no files: the director reads what it needs of them and writes it into the prompt. There are no threads:
    what went before is given again.
    """

    async def do(self, job: Job, number: int) -> Spent:
        """By the best of its tools, or by none where that is cheaper."""
        if job.is_patch:
            return await self._edit(job)
        if job.kind == "private":
            return await LlmLocalTask(self.client, self.service, self.project).do(job, number)
        spent = Spent()
        answer = self.kept[job.name] = answer_of(job, self.project, number)
        self.service.say(answer)
        for entry in job.itself_reads:
            spent.read(self.project, entry)
        texts = [entry_text(self.project, entry) for entry in job.itself_reads]
        arguments = {
            "prompt": "\n\n".join(filter(None, (job.prompt, job.fields, *texts))),
            "context": self.kept.get(job.follows, ""),
        }
        await called(spent, self.client, "llm", lean(arguments), self.project)
        finish(spent, job, self.project, answer)
        return spent

    async def _edit(self, job: Job) -> Spent:
        spent = Spent()
        edits = edits_of(self.project, job.files[0], job.tokens)
        pairs = [{"file": job.files[0], "old_string": edit.old, "new_string": edit.new} for edit in edits]
        self.service.say(json.dumps(pairs))
        text = await called(
            spent, self.client, "llm_edit", {"task": job.prompt, "files": list(job.files)}, self.project
        )
        if "applied=True" not in text:
            spent.failed = spent.failed or text[:300]
        for pair in pairs:
            asked = {"file_path": str(self.project / pair["file"]), **pair}
            del asked["file"]
            spent.call("Edit", asked, APPLIED, self.project)
        return spent


class LlmLocalTask(Way):
    """llm-routing by `llm_local_task` alone, for whoever runs a coding model of 30 billion weights on the same machine.

    It reads at most 12,000 characters of a file and reports at most 1,500: longer answers it writes into a file that
    the director then reads.
    """

    REPORT = 1_500

    async def do(self, job: Job, number: int) -> Spent:
        """One task: it looks at a file, writes what is to be written and reports."""
        spent = Spent()
        answer = answer_of(job, self.project, number)
        self.kept[job.name] = answer
        too_long = len(answer) > self.REPORT and not job.is_patch
        target = job.save_to or (f"{job.name}.md" if too_long else "")
        said = [json.dumps({"tool": "list_files", "arguments": {"path": "."}})]
        if target:
            said.append(json.dumps({"tool": "write_file", "arguments": {"path": target, "content": answer}}))
        if job.is_patch:
            edits = edits_of(self.project, job.files[0], job.tokens)
            said += [
                json.dumps(
                    {
                        "tool": "edit_file",
                        "arguments": {"path": job.files[0], "old_string": one.old, "new_string": one.new},
                    }
                )
                for one in edits
            ]
        done = target or job.is_patch
        said.append(json.dumps({"tool": "finish", "arguments": {"answer": "Done." if done else answer}}))
        self.service.say(*said)
        where = ", ".join(entry.removeprefix("git:").replace(":", " ") for entry in job.files)
        before = self.kept.get(job.follows, "")
        arguments = {
            "objective": "\n".join(
                filter(None, (before, job.prompt, job.fields, where, f"Write it to {target}." if target else ""))
            ),
            "workdir": str(self.project),
            "apply_writes": bool(done),
        }
        text = await called(spent, self.client, "llm_local_task", lean(arguments), self.project)
        status = json.loads(text).get("status") if text.startswith("{") else ""
        if status not in {"proposed", "verified_complete"}:
            spent.failed = spent.failed or text[:300]
        if too_long and not job.save_to:
            spent.read(self.project, target)
        return spent
