"""Stands in for llama-cpp-python's server: an app that shows the settings it was made with."""

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.fakes.local_modules.llama_cpp.server.settings import ModelSettings, ServerSettings


def create_app(*, server_settings: "ServerSettings", model_settings: "list[ModelSettings]") -> Starlette:
    shown: dict[str, Any] = {"server": server_settings.given, "model": model_settings[0].given}

    async def show(_: Request) -> JSONResponse:
        return JSONResponse(shown)

    return Starlette(routes=[Route("/", show)])
