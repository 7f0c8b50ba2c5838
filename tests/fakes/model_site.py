"""A stand-in for Hugging Face and the store that it redirects to."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import httpx

HUB, STORE = "huggingface.co", "store.example"
_OK = 200


class _Cut(httpx.AsyncByteStream):
    """So many bytes, then the connection breaks."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data[: self._at]
        raise httpx.ReadError("connection reset")


@dataclass(slots=True)
class ModelSite:
    """Give `files` by name; the rest is how it behaves."""

    files: dict[str, bytes]
    cut: list[int] = field(default_factory=list[int])
    """How many bytes the next answers give before they break."""
    card: Mapping[str, object] | None = None
    status: int = 200
    ranges: bool = True
    checksum: bool = True
    redirect_to: str = f"https://{STORE}"
    seen: list[httpx.Request] = field(default_factory=list[httpx.Request])

    @property
    def transport(self) -> httpx.MockTransport:
        """What a client takes in place of the network."""
        return httpx.MockTransport(self._answer)

    def asked(self, host: str) -> list[httpx.Request]:
        """The requests that a host saw."""
        return [request for request in self.seen if request.url.host == host and "/api/" not in request.url.path]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if "/api/models/" in request.url.path:
            return httpx.Response(200 if self.card is not None else 404, json={"cardData": self.card})
        if self.status != _OK:
            return httpx.Response(self.status)
        name = request.url.path.rpartition("/")[2]
        if name not in self.files:
            return httpx.Response(404)
        data = self.files[name]
        sha256 = hashlib.sha256(data).hexdigest()
        if request.url.host == HUB:
            linked = {"x-linked-etag": f'"{sha256}"'} if self.checksum else {}
            return httpx.Response(302, headers={"location": f"{self.redirect_to}/blob/{name}", **linked})
        return self._body(request, data, sha256)

    def _body(self, request: httpx.Request, data: bytes, sha256: str) -> httpx.Response:
        headers = {"etag": f'"{sha256[:8]}"'}
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if self.ranges else 0
        rest = data[start:]
        if start >= len(data) and start:
            return httpx.Response(416)
        if start:
            headers["content-range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        headers["content-length"] = str(len(rest))
        cut = self.cut.pop(0) if self.cut else None
        if cut is not None:
            return httpx.Response(206 if start else 200, headers=headers, stream=_Cut(rest, cut))
        return httpx.Response(206 if start else 200, headers=headers, content=rest)
