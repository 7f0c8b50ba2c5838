"""The parameters that tools share: one meaning everywhere, described once, in `delegate`.

The director pays for every word here in each conversation, so the other tools list bare types, and of these only what
their work asks for; the server's instructions and the parameter names say the rest.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from delegate_mcp.domain.request import OnLimit as OnLimitChoice
from delegate_mcp.domain.standing import Verdict

Prompt = Annotated[str, Field(description="Self-contained: the model sees only this and `files`")]
TaskType = Annotated[str, Field(description="auto, quick, coding, code_review, research (web), …")]
ModelName = Annotated[str | None, Field(description="Force one, as in models://catalog")]
Files = Annotated[
    list[str] | None,
    BeforeValidator(lambda given: [given] if isinstance(given, str) else given),  # one path is what many write
    Field(description="Paths, globs, a.py:1-9, git:diff, url:…"),
]
SaveTo = Annotated[str | None, Field(description="New file for the answer; you get a receipt")]
Overwrite = Annotated[bool, Field()]
JsonSchema = dict[str, Any] | None
Thread = Annotated[str | None, Field(description="Call id to continue")]
VerdictOn = Annotated[Verdict | None, Field(description="On that call")]
MaxResultTokens = Annotated[int | None, Field(ge=20, le=100_000)]
Votes = Annotated[int, Field(ge=1, le=9, description="Ask so many models")]
Edit = Annotated[bool, Field(description="Patch `files` in place")]
EditIn = Annotated[str | None, Field(description="Directory an agent may edit")]
Check = Annotated[str | None, Field(description="Test command it must pass")]
Tries = Annotated[int, Field(ge=1, le=9)]
OnLimit = Annotated[OnLimitChoice, Field(description="At a rate limit: other model, wait, or error")]

UNREAD = {"title", "default", "anyOf", "additionalProperties", "minimum", "maximum"}


def lean(schema: dict[str, Any], lists: Sequence[str] | None = None) -> dict[str, Any]:
    """The schema without what a director need not read: titles, null defaults and null alternatives.

    `lists`: of its parameters these alone, as bare types; the others are taken all the same.
    """
    given: dict[str, Any] = schema.get("properties", {})
    properties = {
        name: _lean_property(value, UNREAD if lists is None else UNREAD | {"description"})
        for name, value in given.items()
        if lists is None or name in lists
    }
    kept: dict[str, Any] = {"type": "object", "properties": properties}
    if required := schema.get("required"):
        kept["required"] = required
    return kept


def _lean_property(value: dict[str, Any], unread: set[str]) -> dict[str, Any]:
    choices: list[dict[str, Any]] = value.get("anyOf", [])
    given = next((choice for choice in choices if choice.get("type") != "null"), value)
    return {key: item for key, item in (given | value).items() if key not in unread}
