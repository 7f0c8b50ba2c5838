"""Fetches one file over HTTPS: goes on where it was cut, follows redirects by hand, and believes a checksum only."""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import anyio.to_thread
import httpx

from delegate_mcp.domain.errors import ModelFetchError
from delegate_mcp.local.sources import allowed

Progress = Callable[[int, int | None], None]
"""Told the bytes that are there and how many there will be."""

_CHUNK = 1 << 20
_MOST_REDIRECTS = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _PARTIAL, _RANGE = 200, 206, 416
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_ADVICE = {
    401: "it wants a login: accept its terms on {page} and set HF_TOKEN",
    403: "it wants a login: accept its terms on {page} and set HF_TOKEN",
    404: "there is no such file; see {page}",
}
# A connection that broke after bytes came is taken up again at once; one that brings nothing is not.
TIMEOUT = httpx.Timeout(60.0, connect=20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came."""

    sha256: str
    vouched: bool
    """Somebody had told the checksum before: the catalog, or the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One file to fetch."""

    url: str
    into: Path
    """Where it grows; a note beside it says of what it is a part."""
    sha256: str = ""
    token: str = ""
    page: str = ""
    """Where a person reads more."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the servers on the way said of the file."""

    sha256: str
    mark: str
    """Tells this version of the file from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Fetches files; one for all parts of a model."""

    client: httpx.AsyncClient
    progress: Progress
    has_room: Callable[[int], None]
    """Told how many bytes are still to come; raises where the disk is too full."""

    async def fetch(self, order: Order) -> Fetched:
        """The whole file at `order.into`. ModelFetchError says what was kept."""
        part = _Part(order)
        while True:
            before = part.size
            try:
                done = await self._once(order, part)
            except httpx.HTTPError as error:
                if part.size > before:
                    continue
                said = str(error) or type(error).__name__
                raise ModelFetchError(f"{order.into.stem} could not be fetched: {said}. {part.kept()}") from error
            if done is not None:
                return done

    async def _once(self, order: Order, part: "_Part") -> Fetched | None:
        """One request, redirects and all; None: ask again from the beginning."""
        start = part.size
        url, token, facts = order.url, order.token, _Facts(order.sha256, "")
        for _ in range(_MOST_REDIRECTS):
            headers = {"Accept-Encoding": "identity"}
            headers |= {"Authorization": f"Bearer {token}"} if token else {}
            headers |= {"Range": f"bytes={start}-"} if start else {}
            async with self.client.stream("GET", url, headers=headers) as response:
                facts = _told(facts, response)
                if response.status_code in _REDIRECTS:
                    url, token = _next(url, response, token)
                    continue
                if start and (response.status_code == _RANGE or not part.continues(response, facts.mark)):
                    part.drop()
                    return None
                if response.status_code not in {_OK, _PARTIAL}:
                    raise _refused(order, response.status_code, part)
                return await self._receive(response, order, part, facts)
        raise ModelFetchError(f"{urlsplit(order.url).hostname} redirects without end. {part.kept()}")

    async def _receive(self, response: httpx.Response, order: Order, part: "_Part", facts: _Facts) -> Fetched | None:
        length = response.headers.get("content-length", "")
        left = int(length) if length.isdigit() else None
        total = None if left is None else part.size + left
        self.has_room(left or 0)
        resumed = part.size > 0
        digest = await anyio.to_thread.run_sync(part.begin, facts.mark)
        try:
            async for chunk in response.aiter_bytes():
                await anyio.to_thread.run_sync(part.add, chunk)
                digest.update(chunk)
                self.progress(part.size, total)
        finally:
            part.close()
        if total is not None and part.size < total:
            raise httpx.ReadError("the connection ended before the file did")
        found = digest.hexdigest()
        if facts.sha256 and found != facts.sha256:
            part.drop()
            if resumed:
                return None  # what was there before was of another file
            raise ModelFetchError(
                f"{order.into.stem} is not what it should be: its sha256 is {found}, not {facts.sha256}. It was "
                "removed. Run this again; if it happens again, do not trust the source."
            )
        return Fetched(sha256=found, vouched=bool(facts.sha256))


class _Part:
    """A file that grows, and the note beside it."""

    def __init__(self, order: Order) -> None:
        self._path = order.into
        self._note = order.into.with_name(f"{order.into.name}.json")
        self._file: Any = None
        self.size = self._path.stat().st_size if self._path.is_file() and self._note.is_file() else 0

    def begin(self, mark: str) -> Any:
        """Open it at its end; the digest of what is there."""
        digest = hashlib.sha256()
        if self.size:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        self._note.write_text(json.dumps({"mark": mark}), encoding="utf-8")
        self._file = self._path.open("ab" if self.size else "wb")
        return digest

    def add(self, chunk: bytes) -> None:
        try:
            self._file.write(chunk)
        except OSError as error:
            raise ModelFetchError(f"{self._path.name} cannot be written: {error.strerror}. {self.kept()}") from error
        self.size += len(chunk)

    def close(self) -> None:
        self._file.close()

    def drop(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.size = 0

    def continues(self, response: httpx.Response, mark: str) -> bool:
        """Whether what comes follows what is there, of the same version of the file."""
        if response.status_code != _PARTIAL:
            return response.status_code != _OK
        known = ""
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(self._note.read_text(encoding="utf-8"))["mark"]
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        return match is not None and int(match[1]) == self.size and bool(mark) and mark == known

    def kept(self) -> str:
        """What a person must know of it."""
        if not self.size:
            return "Nothing was kept. Check the network and run this again."
        return f"The {self.size:,} bytes that came are kept: run this again and it goes on from there."


def _told(facts: _Facts, response: httpx.Response) -> _Facts:
    """With what this answer adds: Hugging Face gives the checksum in the redirect."""
    linked = response.headers.get("x-linked-etag", "").strip('W/"')
    told = linked.lower() if _SHA256.fullmatch(linked.lower()) else ""
    mark = facts.mark or told or response.headers.get("etag", "") or response.headers.get("last-modified", "")
    if response.status_code in _REDIRECTS and not told:
        mark = facts.mark
    return _Facts(facts.sha256 or told, mark)


def _next(url: str, response: httpx.Response, token: str) -> tuple[str, str]:
    """Where it sends us, and the token where that is the same server."""
    there = urljoin(url, response.headers.get("location", ""))
    if not allowed(there) or (url.startswith("https:") and not there.startswith("https:")):
        raise ModelFetchError(f"{urlsplit(url).hostname} redirects to an address without encryption. Nothing was sent.")
    same = urlsplit(there)[:2] == urlsplit(url)[:2]
    return there, token if same else ""


def _refused(order: Order, status: int, part: _Part) -> ModelFetchError:
    page = order.page or urlsplit(order.url).hostname or ""
    why = _ADVICE.get(status, "try again later").format(page=page)
    return ModelFetchError(
        f"{order.into.stem} could not be fetched: the server answered {status}; {why}. {part.kept()}"
    )
