"""The parameters that tools share: one meaning everywhere, described once, in `delegate`.

The director pays for every word here in each conversation, so the other tools carry the bare types; the server's
instructions and the parameter names say the rest.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

Files = list[str] | None
SaveTo = str | None
JsonSchema = dict[str, Any] | None
Thread = str | None
OnLimit = Literal["degrade", "wait", "fail"]
Votes = Annotated[int, Field(ge=1, le=9)]

DescribedPrompt = Annotated[str, Field(description="Self-contained: the model sees only this and `files`")]
DescribedFiles = Annotated[
    Files,
    Field(description="Paths, globs, a.py:1-9, git:diff, url:…"),
]
DescribedSaveTo = Annotated[SaveTo, Field(description="New file for the answer; you get a receipt")]
DescribedThread = Annotated[Thread, Field(description="Call id to continue")]
DescribedOnLimit = Annotated[OnLimit, Field(description="At a rate limit: other model, wait, or error")]


UNREAD = {"title", "default", "anyOf", "additionalProperties", "minimum", "maximum"}


def lean(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what a director need not read: titles, null defaults and null alternatives."""
    properties = {name: _lean_property(value) for name, value in schema.get("properties", {}).items()}
    kept: dict[str, Any] = {"type": "object", "properties": properties}
    if required := schema.get("required"):
        kept["required"] = required
    return kept


def _lean_property(value: dict[str, Any]) -> dict[str, Any]:
    choices: list[dict[str, Any]] = value.get("anyOf", [])
    given = next((choice for choice in choices if choice.get("type") != "null"), value)
    return {key: item for key, item in (given | value).items() if key not in UNREAD}
