"""Whatever is written through whichever replica: the PostgreSQL ledger says what the plain lists say."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.ledger.base import Ticket
from delegate_mcp.ledger.postgres import PostgresLedger
from tests.fakes.ledger_rows import HERE, asked
from tests.fakes.memory_ledger import MemoryLedger
from tests.fakes.postgres_server import PostgresServer
from tests.ledger.test_state_machine import TwoServers, ids, models, numbers, tokens

pytestmark = pytest.mark.postgres

limits = st.lists(
    st.builds(
        Limit,
        st.sampled_from(["requests", "tokens"]),
        st.sampled_from(["minute", "day"]),
        st.sampled_from([1, 2, 5_000, 20_000]),
        st.sampled_from(["model", "account"]),
    ),
    max_size=3,
)


def test_two_replicas_say_what_the_plain_lists_say(server: PostgresServer) -> None:
    class TwoReplicas(TwoServers):
        @initialize()
        def start(self) -> None:
            dsn = server.fresh_database()
            self.model = MemoryLedger(lambda: self.now, (HERE,).__contains__)
            self.servers = [
                self.runner.run(PostgresLedger.open(dsn, lambda: self.now, alive=(HERE,).__contains__))
                for _ in range(2)
            ]

        @rule(
            replica=st.integers(0, 1),
            key=st.tuples(ids, numbers),
            model_id=models,
            size=tokens,
            bounds=limits,
            waits_since_s=st.none() | st.floats(0, 100),
        )
        def an_attempt_asks_for_room(
            self,
            *,
            replica: int,
            key: tuple[str, int],
            model_id: ModelId,
            size: int,
            bounds: list[Limit],
            waits_since_s: float | None,
        ) -> None:
            if key in self.model.tried or key[0] not in self.model.calls:
                return
            name = f"{key[0]}.{key[1]}"
            ticket = Ticket(name, self.now - waits_since_s, self.now + 50) if waits_since_s is not None else None
            ask = asked(*key, model_id, self.now, tokens=size, limits=tuple(bounds), ticket=ticket)
            told = self.runner.run(self.servers[replica].reserve(ask))
            assert told == self.runner.run(self.model.reserve(ask))

        @rule(replica=st.integers(0, 1), key=st.tuples(ids, numbers))
        def who_waits_leaves(self, replica: int, key: tuple[str, int]) -> None:
            self.runner.run(self.servers[replica].leave(f"{key[0]}.{key[1]}"))
            self.runner.run(self.model.leave(f"{key[0]}.{key[1]}"))

    run_state_machine_as_test(TwoReplicas, settings=settings(max_examples=25, stateful_step_count=40, deadline=None))
