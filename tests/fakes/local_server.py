"""A tiny HTTP server on a loopback port that says the same to whoever asks."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import SocketAttribute, SocketStream


@dataclass
class LocalServer:
    port: int
    asked: list[str] = field(default_factory=list[str])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@asynccontextmanager
async def local_server(
    status: int, body: object, *, headers: str = "", silent: bool = False
) -> AsyncGenerator[LocalServer]:
    """Yield where it listens and what it was asked; `silent` takes connections and never answers."""
    text = body if isinstance(body, str) else json.dumps(body)
    answer = f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\nconnection: close\r\n{headers}\r\n{text}".encode()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        server = LocalServer(listener.extra(SocketAttribute.local_port))  # noqa: S610 - not Django

        async def serve(stream: SocketStream) -> None:
            async with stream:
                server.asked.append((await stream.receive()).decode())
                if silent:
                    await anyio.sleep_forever()
                await stream.send(answer)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            yield server
            tasks.cancel_scope.cancel()


def models(*names: str) -> dict[str, object]:
    """An OpenAI list of models."""
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
