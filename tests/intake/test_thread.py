"""Earlier turns: taken from the kept calls, the older ones to be condensed, private for good."""

from dataclasses import replace
from pathlib import Path

import pytest

from delegate_mcp.domain.brief import Message, OldTurns
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.thread import Thread, newest_within
from delegate_mcp.intake.thread import earlier_turns as read_turns
from delegate_mcp.ledger.results import CondensedTurns, ResultStore, StoredCall


def earlier_turns(call_id: str, store: ResultStore, max_tokens: int = 12_000, **bounds: int) -> Thread:
    return read_turns(call_id, store, max_tokens, **bounds)


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
    assert earlier_turns(call_id(3), store, most_read=1).private


def test_the_older_turns_of_a_long_thread_are_to_be_condensed_and_the_newest_stay(store: ResultStore) -> None:
    chain(store, 25)
    thread = earlier_turns(call_id(25), store)
    assert len(thread.messages) == 50
    assert thread.old == OldTurns(messages=30, calls=15, newest=call_id(15), saved_at=15.0, private=False)


def test_turns_beyond_the_tokens_are_to_be_condensed_but_never_the_newest(store: ResultStore) -> None:
    chain(store, 2)
    store.write(replace(turn(3, 2), sent_text="long " * 1000))
    thread = earlier_turns(call_id(3), store, 100)
    assert thread.old is not None
    assert (thread.old.messages, thread.old.newest) == (4, call_id(2))
    store.write(replace(turn(4, None), sent_text="long " * 1000))
    assert earlier_turns(call_id(4), store, 100).old is None


def condensed(store: ResultStore, number: int, *, private: bool = False) -> None:
    store.write_condensed(
        CondensedTurns(
            call_id=call_id(number), text="what was said", private=private, turns=number, model="groq:m", saved_at=1.0
        )
    )


def test_what_was_condensed_stands_for_its_call_and_all_before_it(store: ResultStore) -> None:
    chain(store, 4)
    condensed(store, 2)
    thread = earlier_turns(call_id(4), store)
    texts = [message.text for message in thread.messages]
    assert texts[0].endswith("what was said")
    assert texts[2:] == ["question 3", "answer 3", "question 4", "answer 4"]
    assert [message.role for message in thread.messages] == ["user", "assistant"] * 3
    assert thread.notes == (f"old turns condensed: 2 turns up to {call_id(2)}, by groq:m",)
    assert thread.old is None


def test_a_follow_up_of_the_call_itself_has_it_whole(store: ResultStore) -> None:
    chain(store, 4)
    condensed(store, 2)
    thread = earlier_turns(call_id(2), store)
    assert [message.text for message in thread.messages][::2] == ["question 1", "question 2"]


def test_what_was_condensed_is_condensed_again_with_what_came_since(store: ResultStore) -> None:
    chain(store, 30)
    condensed(store, 5)
    thread = earlier_turns(call_id(30), store)
    assert thread.old is not None
    assert thread.old.condensed
    assert (thread.old.calls, thread.old.messages) == (20, 32)
    assert thread.notes == ()


def test_a_private_thread_stays_so_when_it_is_condensed(store: ResultStore) -> None:
    chain(store, 3)
    condensed(store, 1, private=True)
    assert earlier_turns(call_id(3), store).private


def test_a_very_long_thread_is_read_to_a_bound_and_that_is_told(store: ResultStore) -> None:
    chain(store, 12)
    thread = earlier_turns(call_id(12), store, most_read=10)
    assert len(thread.messages) == 20
    assert thread.notes == ("2 old turns dropped: the thread is longer than 10 turns",)


def test_condensed_turns_go_with_the_call_beside_which_they_stand(store: ResultStore) -> None:
    chain(store, 2)
    condensed(store, 2)
    assert store.purge(1.5) == 1
    assert store.read_condensed(call_id(2)) is None
    assert store.read(call_id(2)) is not None


def test_the_newest_turns_within_a_size_are_whole_turns_and_one_at_least() -> None:
    messages = [Message("user", "four words of text"), Message("assistant", "four words of text")] * 5
    assert newest_within(messages, 25) == 4
    assert newest_within(messages, 1) == 2
    assert newest_within([], 10) == 0


def test_turns_that_are_no_longer_kept_are_told(store: ResultStore) -> None:
    store.write(turn(2, 1))
    thread = earlier_turns(call_id(2), store)
    assert len(thread.messages) == 2
    assert thread.notes == ("old turns gone: c000000000001 and what was before it is no longer kept",)


def test_a_circle_of_parents_ends(store: ResultStore) -> None:
    store.write(turn(1, 2))
    store.write(turn(2, 1))
    assert len(earlier_turns(call_id(2), store).messages) == 4
