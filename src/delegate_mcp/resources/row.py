"""What a resource is here: a fixed URI and how its JSON is made."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.resources import FunctionResource

from delegate_mcp.domain.errors import DelegateError
from delegate_mcp.holder import AppHolder

if TYPE_CHECKING:
    from delegate_mcp.app import App


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow:
    """One resource."""

    uri: str
    name: str
    description: str
    read: "Callable[[App], Awaitable[dict[str, Any]]]"

    def build(self, holder: AppHolder) -> FunctionResource:
        """The SDK's resource; a fixed URI gets no context, so it holds on to the app's holder."""

        async def read() -> str:
            try:
                found = await self.read(await holder.app())
                return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
            except DelegateError as error:
                raise ResourceError(str(error)) from error

        return FunctionResource.from_function(
            read, uri=self.uri, name=self.name, description=self.description, mime_type="application/json"
        )
