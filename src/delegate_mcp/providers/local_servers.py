"""Asks the ports of this machine which models their servers offer."""

import anyio
import httpx

from delegate_mcp.domain.availability import ProviderState
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.providers.connection import http_client, usable_key
from delegate_mcp.providers.home import at_home, is_loopback, socket_file
from delegate_mcp.providers.list_request import get_bounded, read_body
from delegate_mcp.providers.model_lists import PLAIN, form_of
from delegate_mcp.providers.registry import ProviderRow

ANSWER_S = 1.5
"""A server that is there lists its models in this time, also on a busy machine; one that is not refuses at once."""

_OK, _NOT_THERE = 200, 404
_LAST_PORT = 65_535
_WANTS_KEY = frozenset({401, 403})


async def ask_server(
    row: ProviderRow,
    base_url: str,
    api_key: str | None,
    transport: httpx.AsyncBaseTransport | None = None,
    answer_s: float = ANSWER_S,
) -> ProviderState:
    """The state of one local server. Nothing is asked of an address beyond this machine."""
    setting = f"providers.{row.name}.base_url"
    url = _address(base_url)
    if url is None:
        return _no(row, f"{setting} is no address", f"set {setting} to an address like {row.base_url}")
    if not at_home(base_url, row.own_hosts):
        mend = f"set {setting} to a loopback address, or list the host in privacy.own_hosts if it is your own"
        return _no(row, f"{url.host} is not on this machine", mend)
    where = _told(url)
    try:
        status, body = await _get_models(row, base_url, api_key, transport, answer_s)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return _no(row, "not running", f"start {row.title} ({row.key_url})")
    except TimeoutError:
        return _no(row, f"no answer on {where} within {answer_s:g} s", f"see whether {row.title} is busy or stuck")
    except ProviderError as error:
        return _no(row, str(error), f"correct providers.{row.name}.api_key")
    except httpx.HTTPError:
        status, body = 0, b""
    return await _state(row, where, status, body)


def _told(url: httpx.URL) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    return f"port {port}" if is_loopback(url.host) else f"{url.host}:{port}"


def _address(base_url: str) -> httpx.URL | None:
    if socket_file(base_url):
        return httpx.URL("http://localhost/v1")
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return None
    return url if url.scheme in {"http", "https"} and url.host and (url.port or 0) <= _LAST_PORT else None


async def _state(row: ProviderRow, where: str, status: int, body: bytes) -> ProviderState:
    """What its answer says."""
    if status in _WANTS_KEY:
        return _no(row, f"{where} asks for a key", f"set providers.{row.name}.api_key")
    listed = await read_body(row.name, body) if status == _OK else None
    if listed is None:
        mend = f"set providers.{row.name}.base_url to where {row.title} answers"
        return _no(row, f"what answers on {where} is not an OpenAI-compatible server", mend)
    if not listed:
        return _no(row, "running, but has no chat model", f"load a model in {row.title}")
    why = f"running with {len(listed)} model{'s' if len(listed) > 1 else ''}"
    names = tuple(model.model for model in listed)
    return ProviderState(name=row.name, usable=True, why=why, models=names, listed=listed)


def _no(row: ProviderRow, why: str, mend: str) -> ProviderState:
    return ProviderState(name=row.name, usable=False, why=why, mend=mend)


async def _get_models(
    row: ProviderRow, base_url: str, api_key: str | None, transport: httpx.AsyncBaseTransport | None, answer_s: float
) -> tuple[int, bytes]:
    key = usable_key(row, api_key)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with http_client(row, base_url.rstrip("/") + "/", headers, transport) as client:
        with anyio.fail_after(answer_s):
            response, body = await get_bounded(client, form_of(row.name).path)
            if response.status_code == _NOT_THERE:  # an older version, which has OpenAI's list alone
                response, body = await get_bounded(client, PLAIN.path)
    return response.status_code, body
