"""When an answer is one: where JSON was asked for, it is there and fits its schema."""

from dataclasses import replace

from delegate_mcp.delivery.schema_check import parse_answer
from delegate_mcp.dispatch.attempt import Accept, anything
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.outcome import Completion

CUT = "the JSON was cut at the output limit"


def accepts(brief: Brief) -> Accept:
    """Why an answer to this brief is none."""
    if brief.json_schema is None:
        return anything
    schema = brief.json_schema

    def problem(completion: Completion) -> str | None:
        whole = completion.finish_reason != "length"
        found = parse_answer(completion.text, schema, whole=whole)[1]
        return found if whole or not found else CUT

    return problem


def canonical(completion: Completion, brief: Brief) -> Completion:
    """The answer with its JSON alone, without fences or words around it."""
    if brief.json_schema is None:
        return completion
    text, _ = parse_answer(completion.text, brief.json_schema, whole=completion.finish_reason != "length")
    return replace(completion, text=text or completion.text)
