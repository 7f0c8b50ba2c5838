"""Read the settings: the file, then `DELEGATE_MCP_…` variables over it. A typo is an error that names the right key.

Settings are never read from `.env` files: a checkout's `.env` could point a provider at a stranger's server. Keys are.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource

from delegate_mcp.config.settings import ExperimentSettings, ProviderSettings, RentedSettings, Settings
from delegate_mcp.domain.errors import ConfigError
from delegate_mcp.platforms import home_dir

PREFIX = "DELEGATE_MCP_"
# Variables of ours that are no path through the settings.
OTHER_VARIABLES = {"DELEGATE_MCP_HOME", "DELEGATE_MCP_CACHE", "DELEGATE_MCP_CONFIG", "DELEGATE_MCP_TOKEN"}


# Tables of tables, each by a name: of a provider, or of the person's own choice.
_NAMED: Mapping[str, type[BaseModel]] = {
    "providers": ProviderSettings,
    "rented": RentedSettings,
    "experiments": ExperimentSettings,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where they came from."""

    settings: Settings
    file: Path
    """Where the settings file is, or would be."""
    dotenv: tuple[tuple[Path, Mapping[str, str]], ...]
    """The `.env` files that may hold keys, the first wins."""
    text: str = field(default="", repr=False)
    """The file's, for telling where a setting stands."""

    def place(self, *path: str) -> str:
        """Where a setting stands: the file with its line, or the variable that would set it."""
        return _place(self.text, self.file, path)


class _Variables(EnvSettingsSource):
    """pydantic-settings' reading of nested variables, over a mapping that is passed in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        options: dict[str, Any] = {"env_prefix": PREFIX, "env_nested_delimiter": "__", "env_ignore_empty": True}
        super().__init__(cast("Any", Settings), case_sensitive=False, **options)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items()}


def load_settings(environ: Mapping[str, str], *, cwd: Path, user_home: Path, providers: Sequence[str]) -> Loaded:
    """Read everything. ConfigError names the key, the line or variable, and the nearest right key."""
    home = home_dir(environ)
    file = Path(environ.get("DELEGATE_MCP_CONFIG") or home / "config.toml").expanduser()
    text, data = _read(file)
    given = _from_variables(environ)
    merged = _merge(_with_provider_names(data), _with_provider_names(given))
    for path, where in (*_paths_of_file(data, text, file), *_paths_of_variables(environ)):
        _check_path(path, where, providers)
    if token := environ.get("DELEGATE_MCP_TOKEN"):
        merged = _merge(merged, {"server": {"token": token}})
    merged["home"] = home
    rules = home / "rules.toml"
    if "rules" not in merged and rules.is_file():
        merged["rules"] = rules
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, text, file)) from error
    return Loaded(settings, file, tuple(_dotenv_files(cwd, user_home)), text)


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "", {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The settings file {file} cannot be read: {error}. Mend it or move it away.") from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The settings file {file} is not TOML: {error}.") from error


def _from_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return dict(_Variables({k: v for k, v in environ.items() if k.upper() not in OTHER_VARIABLES})())
    except ValueError as error:
        hint = """Lists are written as JSON, as in DELEGATE_MCP_FILES__ROOTS='["/a", "/b"]'."""
        raise ConfigError(f"A {PREFIX}… variable cannot be read: {error}. {hint}") from error


def _dotenv_files(cwd: Path, user_home: Path) -> Iterator[tuple[Path, Mapping[str, str]]]:
    for directory in dict.fromkeys((cwd, user_home)):
        path = directory / ".env"
        try:
            if path.is_file():
                yield path, {name: value for name, value in dotenv_values(path).items() if value}
        except (OSError, UnicodeDecodeError):
            continue  # an unreadable .env is another program's; its keys count as not set


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        merged[key] = _merge(cast("dict[str, Any]", under), cast("dict[str, Any]", value)) if both else value
    return merged


def _with_provider_names(data: Mapping[str, Any]) -> dict[str, Any]:
    """A variable cannot hold a hyphen: `LLAMA_SERVER` stands for `llama-server`."""
    given = data.get("providers")
    if not isinstance(given, dict):
        return dict(data)
    rows = cast("dict[str, Any]", given)
    return {**data, "providers": {name.replace("_", "-"): value for name, value in rows.items()}}


def _paths_of_file(data: Mapping[str, Any], text: str, file: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    def walk(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for key, value in table.items():
            yield (*above, key)
            if isinstance(value, dict):
                yield from walk(cast("dict[str, Any]", value), (*above, key))

    for path in walk(data, ()):
        line = _line_of(text, path)
        yield path, f"{file}, line {line}" if line else str(file)


def _paths_of_variables(environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in OTHER_VARIABLES:
            yield tuple(name[len(PREFIX) :].lower().split("__")), f"the variable {name}"


def _check_path(path: tuple[str, ...], where: str, providers: Sequence[str]) -> None:
    model: type[BaseModel] = Settings
    for depth, key in enumerate(path):
        if model is Settings and depth == 1 and path[0] in _NAMED:
            name = key.replace("_", "-")
            if path[0] == "providers" and name not in providers:
                raise ConfigError(_unknown(".".join(path), where, name, providers))
            model = _NAMED[path[0]]
            continue
        field = model.model_fields.get(key)
        if field is None:
            raise ConfigError(_unknown(".".join(path), where, key, list(model.model_fields)))
        inner = next((t for t in (field.annotation, *get_args(field.annotation)) if _is_model(t)), None)
        if inner is None:
            if key in _NAMED:
                continue
            return
        model = cast("type[BaseModel]", inner)


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel) and value not in _NAMED.values()


def _unknown(key: str, where: str, wrong: str, right: Sequence[str]) -> str:
    near = difflib.get_close_matches(wrong, right, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(right))}."
    return f"Unknown setting `{key}` ({where}): {hint}"


def _line_of(text: str, path: Sequence[str]) -> int | None:
    """The line on which a key stands, found by its name within its table."""
    table, here = ".".join(path[:-1]), ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            here = header[1].replace('"', "").replace("'", "")
            if here == ".".join(path):
                return number
        elif here == table and re.match(rf"\s*[\"']?{re.escape(path[-1])}[\"']?\s*[.=]", line):
            return number
    return None


def _explain(error: ValidationError, text: str, file: Path) -> str:
    lines: list[str] = []
    for item in error.errors(include_input=False, include_url=False):
        path = tuple(str(part) for part in item["loc"])
        lines.append(f"Setting `{'.'.join(path)}` ({_place(text, file, path)}): {item['msg']}.")
    return "\n".join(lines)


def _place(text: str, file: Path, path: Sequence[str]) -> str:
    line = _line_of(text, path)
    return f"{file}, line {line}" if line else f"settings file or {PREFIX}{'__'.join(path).upper()}"
