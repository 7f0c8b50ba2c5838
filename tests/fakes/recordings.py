"""Replays recorded answers of real services (VCR cassettes beside the checkout) in the order they were recorded."""

import base64
import json
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml

FOLDER = Path(__file__).parents[2].parent / "shared" / "recordings"


class Cassette(httpx.MockTransport):
    """The interactions of one file; each answers one request to its path, however it asks for streaming.

    Most were recorded without streaming. A chat-completions service may answer so, and our reader takes it; Gemini's
    SDK reads events only, so a recorded body is handed to it as one event.
    """

    def __init__(self, interactions: list[dict[str, Any]]) -> None:
        self._left = interactions
        super().__init__(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        for interaction in self._left:
            recorded = httpx.URL(interaction["request"]["uri"])
            if interaction["request"]["method"] == request.method and _path(recorded) == _path(request.url):
                self._left.remove(interaction)
                return _response(interaction["response"], as_event=request.url.path.endswith(":streamGenerateContent"))
        raise AssertionError(f"no recorded answer is left for {request.method} {request.url.path}")


def cassette(name: str) -> Cassette:
    """The cassette of that name, e.g. `groq/x.yaml`; the test is skipped where the folder is not there."""
    if not FOLDER.is_dir():
        pytest.skip("the recorded answers are not beside this checkout (../shared/recordings)")
    data = cast("dict[str, Any]", yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")))
    return Cassette(data["interactions"])


def _path(url: httpx.URL) -> str:
    """The path without what differs by SDK version or streaming."""
    for prefix in ("/v1beta/", "/v1/"):
        if url.path.startswith(prefix) and "models" in url.path:
            return url.path.removeprefix(prefix).replace(":streamGenerateContent", ":generateContent")
    return url.path


def _response(recorded: dict[str, Any], *, as_event: bool) -> httpx.Response:
    dropped = {"content-length", "transfer-encoding", "content-encoding"}
    headers = {name: values[0] for name, values in recorded["headers"].items() if name.lower() not in dropped}
    encoding = next((v[0] for n, v in recorded["headers"].items() if n.lower() == "content-encoding"), None)
    content = _content(recorded)
    if encoding and content[:2] == b"\x1f\x8b":
        headers["content-encoding"] = encoding
    status = recorded["status"]["code"]
    if as_event and status < httpx.codes.BAD_REQUEST and not content.startswith(b"data:"):
        content = b"data: " + json.dumps(json.loads(content)).encode() + b"\r\n\r\n"
        headers["content-type"] = "text/event-stream"
    return httpx.Response(status, headers=headers, content=content)


def _content(recorded: dict[str, Any]) -> bytes:
    if "parsed_body" in recorded:
        return json.dumps(recorded["parsed_body"]).encode()
    body = recorded["body"]
    if "base64_string" in body:
        return base64.b64decode(body["base64_string"])
    text = body["string"]
    return text if isinstance(text, bytes) else str(text).encode()
