"""Earlier turns: taken from the kept calls, the newest first to stay, private for good."""

from dataclasses import replace
from pathlib import Path

import pytest

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.thread import earlier_turns
from delegate_mcp.ledger.results import ResultStore, StoredCall


def call_id(number: int) -> str:
    return f"c{number:012}"


def turn(number: int, parent: int | None, *, private: bool = False) -> StoredCall:
    return StoredCall(
        call_id=call_id(number),
        parent=None if parent is None else call_id(parent),
        private=private,
        tool="delegate",
        task_type="quick",
        model="groq:m",
        prompt="ignored",
        sent_text=f"question {number}",
        answer=f"answer {number}",
        saved_at=float(number),
    )


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


def chain(store: ResultStore, length: int) -> None:
    for number in range(1, length + 1):
        store.write(turn(number, number - 1 or None))


def test_the_turns_come_oldest_first(store: ResultStore) -> None:
    chain(store, 2)
    thread = earlier_turns(call_id(2), store)
    assert thread.messages == (
        Message("user", "question 1"),
        Message("assistant", "answer 1"),
        Message("user", "question 2"),
        Message("assistant", "answer 2"),
    )
    assert not thread.private
    assert thread.notes == ()


def test_two_calls_may_continue_the_same_one(store: ResultStore) -> None:
    chain(store, 1)
    store.write(turn(2, 1))
    store.write(turn(3, 1))
    assert [message.text for message in earlier_turns(call_id(3), store).messages][::2] == ["question 1", "question 3"]


@pytest.mark.parametrize("unknown", ["c999999999999", "../x", "", "latest"])
def test_an_unknown_call_is_refused_with_what_to_do(store: ResultStore, unknown: str) -> None:
    with pytest.raises(InputError, match=r"thread: no answered call .* is kept .* start anew"):
        earlier_turns(unknown, store)


def test_one_private_turn_makes_the_thread_private_also_where_it_is_dropped(store: ResultStore) -> None:
    store.write(turn(1, None, private=True))
    store.write(turn(2, 1))
    store.write(turn(3, 2))
    assert earlier_turns(call_id(3), store, max_turns=1).private


def test_the_oldest_turns_of_a_long_thread_are_dropped_and_told(store: ResultStore) -> None:
    chain(store, 25)
    thread = earlier_turns(call_id(25), store)
    assert len(thread.messages) == 40
    assert thread.messages[0].text == "question 6"
    assert thread.notes[0].startswith("5 old turns dropped: ")


def test_turns_beyond_the_token_limit_are_dropped_but_never_the_newest(store: ResultStore) -> None:
    chain(store, 2)
    store.write(replace(turn(3, 2), sent_text="long " * 1000))
    thread = earlier_turns(call_id(3), store, max_tokens=100)
    assert [message.text[:5] for message in thread.messages] == ["long ", "answe"]
    assert thread.notes[0].startswith("2 old turns dropped")


def test_turns_that_are_no_longer_kept_are_told(store: ResultStore) -> None:
    store.write(turn(2, 1))
    thread = earlier_turns(call_id(2), store)
    assert len(thread.messages) == 2
    assert thread.notes == ("old turns gone: c000000000001 and what was before it is no longer kept",)


def test_a_circle_of_parents_ends(store: ResultStore) -> None:
    store.write(turn(1, 2))
    store.write(turn(2, 1))
    assert len(earlier_turns(call_id(2), store).messages) == 4
