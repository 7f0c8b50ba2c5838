"""What a resource is here: a URI, and how what stands there is made."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.resources import FunctionResource

from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.holder import AppHolder

JSON = "application/json"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow:
    """One resource."""

    uri: str
    name: str
    description: str
    read: Callable[[AppHolder], Awaitable[Json | str]]
    mime_type: str = JSON
    meta: Mapping[str, Any] | None = None
    """What hosts read and no model does."""

    def build(self, holder: AppHolder) -> FunctionResource:
        """The SDK's resource; a fixed URI gets no context, so it holds on to the app's holder."""

        async def read() -> str:
            return await told(self.read(holder))

        return FunctionResource.from_function(
            read,
            uri=self.uri,
            name=self.name,
            description=self.description,
            mime_type=self.mime_type,
            meta=None if self.meta is None else dict(self.meta),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRow:
    """One resource for each period that can be named; its URI ends in `{period}`."""

    uri: str
    name: str
    description: str
    read: Callable[[AppHolder, str], Awaitable[Json]]

    def add_to(self, server: MCPServer[AppHolder], holder: AppHolder) -> None:
        """Let the server have it."""

        async def read(period: str) -> str:
            return await told(self.read(holder, period))

        server.resource(self.uri, name=self.name, description=self.description, mime_type=JSON)(read)


async def told(reading: Awaitable[Json | str]) -> str:
    """What a client reads of it: JSON, or the text itself. ResourceError where it cannot be read."""
    try:
        found = await reading
    except DelegateError as error:
        raise ResourceError(str(error)) from error
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, separators=(",", ":"))
