"""What these tests share: they are skipped, with a word, where the clients are not installed."""

from pathlib import Path

import pytest

from tests.hosts.person import CLIENTS


@pytest.fixture(autouse=True)
def clients_are_installed() -> Path:
    if not (CLIENTS.parents[1] / ".installed").exists():
        pytest.skip("the real clients are not installed: run tests/hosts/install")
    return CLIENTS
