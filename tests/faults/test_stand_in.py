import httpx
import pytest

from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.kinds import BY_NAME, Fault
from tests.fakes.faults.refusals import REFUSALS
from tests.fakes.faults.stand_in import faulty

GROQ = DIALECTS["groq"]
NO_FAULT = Fault("answers", "no fault at all", None)


@pytest.mark.parametrize("backend", DIALECTS)
async def test_a_refusal_comes_with_the_status_headers_and_body_of_its_service(backend: str) -> None:
    refusal = REFUSALS["minute_429"][backend]
    async with faulty(BY_NAME["minute_429"], DIALECTS[backend]) as service, httpx.AsyncClient() as client:
        response = await client.post(f"{service.base_url}/chat", json={})
    assert response.status_code == 429
    assert response.json() == refusal.body
    assert refusal.headers.items() <= response.headers.items()


async def test_it_counts_a_connection_until_the_client_has_closed_it() -> None:
    async with faulty(NO_FAULT, GROQ) as service:
        async with httpx.AsyncClient() as client:
            await client.post(service.base_url, json={})
            await client.post(service.base_url, json={})
            assert (service.connections, service.open_connections) == (1, 1)  # the second went over the kept one
            assert not await service.all_closed(within_s=0.01)
        assert await service.all_closed(within_s=5)


async def test_a_cut_leaves_the_connection_to_the_client_to_close() -> None:
    async with faulty(BY_NAME["cut_mid_stream"], GROQ) as service, httpx.AsyncClient() as client:
        async with client.stream("POST", service.base_url, json={}) as response:
            with pytest.raises(httpx.RemoteProtocolError):
                await response.aread()
        assert await service.all_closed(within_s=5)


async def test_gone_dark_its_port_refuses_until_it_listens_again() -> None:
    async with faulty(NO_FAULT, GROQ) as service, httpx.AsyncClient() as client:
        url = service.base_url
        await client.post(url, json={})
        await service.go_dark()
        with pytest.raises(httpx.ConnectError):
            await client.post(url, json={})
        await service.listen()
        assert service.base_url == url
        assert (await client.post(url, json={})).is_success


async def test_a_plain_port_answers_tls_as_http_servers_do() -> None:
    fault = BY_NAME["https_to_plain"]
    async with faulty(fault, GROQ) as service, httpx.AsyncClient(verify=False) as client:  # noqa: S501 - loopback
        with pytest.raises(httpx.ConnectError, match=r"(?i)wrong.version|record"):
            await client.post(service.base_url, json={})
        assert await service.all_closed(within_s=5)
