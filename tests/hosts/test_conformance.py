"""The MCP conformance suite's scenarios that any server can pass.

To take a scenario in or out, move its row: every scenario that the suite lists stands in one of the two tables.
"""

import re
from pathlib import Path

import pytest

from tests.hosts.person import person_in
from tests.hosts.program import run_program
from tests.hosts.served import served

pytestmark = pytest.mark.hosts

RUN = (
    "server-initialize",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)

_EVERYTHING = "needs the suite's own test server: it calls {}"

LEFT_OUT = {
    "tools-call-simple-text": _EVERYTHING.format("the tool test_simple_text, and any error passes for its answer"),
    "tools-call-image": _EVERYTHING.format("the tool test_image_content"),
    "tools-call-audio": _EVERYTHING.format("the tool test_audio_content"),
    "tools-call-embedded-resource": _EVERYTHING.format("the tool test_embedded_resource"),
    "tools-call-mixed-content": _EVERYTHING.format("the tool test_multiple_content_types"),
    "tools-call-with-logging": _EVERYTHING.format("the tool test_tool_with_logging"),
    "tools-call-error": _EVERYTHING.format("the tool test_error_handling, and any error passes for its answer"),
    "tools-call-with-progress": _EVERYTHING.format("the tool test_tool_with_progress"),
    "tools-call-sampling": _EVERYTHING.format("the tool test_sampling"),
    "tools-call-elicitation": _EVERYTHING.format("the tool test_elicitation"),
    "json-schema-2020-12": _EVERYTHING.format("the tool json_schema_2020_12_tool"),
    "elicitation-sep1034-defaults": _EVERYTHING.format("the tool test_elicitation_sep1034_defaults"),
    "elicitation-sep1330-enums": _EVERYTHING.format("the tool test_elicitation_sep1330_enums"),
    "server-sse-polling": _EVERYTHING.format("the tool test_reconnection"),
    "resources-read-text": _EVERYTHING.format("the resource test://static-text"),
    "resources-read-binary": _EVERYTHING.format("the resource test://static-binary"),
    "resources-templates-read": _EVERYTHING.format("the resource test://template/123/data"),
    "resources-subscribe": _EVERYTHING.format("the resource test://watched-resource"),
    "resources-unsubscribe": _EVERYTHING.format("the resource test://watched-resource"),
    "prompts-get-simple": _EVERYTHING.format("the prompt test_simple_prompt"),
    "prompts-get-with-args": _EVERYTHING.format("the prompt test_prompt_with_arguments"),
    "prompts-get-embedded-resource": _EVERYTHING.format("the prompt test_prompt_with_embedded_resource"),
    "prompts-get-with-image": _EVERYTHING.format("the prompt test_prompt_with_image"),
    "logging-set-level": "protocol logging is gone from the new era; we log to stderr and do not offer it",
    "completion-complete": _EVERYTHING.format("completion for the prompt test_prompt_with_arguments"),
}


async def test_every_scenario_that_any_server_can_pass_passes(tmp_path: Path) -> None:
    person = person_in(tmp_path)
    failed: dict[str, str] = {}
    async with served(person, "http") as url:
        for scenario in RUN:
            command = ["conformance", "server", "--url", url, "--scenario", scenario]
            finished = await run_program(command, env=person.env(), cwd=person.project)
            if finished.code != 0:
                failed[scenario] = finished.stdout + finished.stderr
    assert failed == {}


async def test_the_tables_name_every_scenario_of_the_suite(tmp_path: Path) -> None:
    person = person_in(tmp_path)
    finished = await run_program(["conformance", "list"], env=person.env(), cwd=person.project)
    server_side = finished.stdout.partition("Server scenarios")[2].partition("Client scenarios")[0]
    listed = re.findall(r"^\s+- (\S+)", server_side, re.MULTILINE)
    assert sorted(listed) == sorted([*RUN, *LEFT_OUT])
