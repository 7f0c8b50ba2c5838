"""Batches on a time that the test passes in: waiting, failing, order, and what a server leaves to the next one."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import anyio.lowlevel
import pytest

from delegate_mcp.batch.batches import GRACE_S
from delegate_mcp.dispatch.clock import Clock
from delegate_mcp.domain.errors import CallNotFoundError, ErrorKind, InputError, NoCandidateError, ProviderError
from delegate_mcp.domain.limit import Limit
from delegate_mcp.domain.outcome import Completion
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.reporting.project import project_label
from tests.batch.scene import Scene, asking, ended, until
from tests.fakes.clock import ManualTime
from tests.fakes.provider import Handler, Silent, answers, fails

MINUTE = 60.0
DAY = 86_400.0


@dataclass(slots=True)
class Hurried(ManualTime):
    """A steady clock by which every step takes longer than a disk should."""

    looks: Iterator[int] = field(default_factory=count)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, steady=lambda: next(self.looks) * 0.06, sleep=self.sleep)


def echoes(problem: Callable[[str], ErrorKind | None] = lambda _: None) -> Handler:
    """Answers with the last word of what it is asked, or fails where the test says so."""

    async def answer(ask: Ask, report: Report) -> Completion:
        word = ask.messages[-1].text.split()[-1]
        report(1)
        if (kind := problem(word)) is not None:
            raise ProviderError(kind, f"made up of {kind}")
        return Completion(text=f"<{word}>", finish_reason="stop", usage=Usage(10, 5))

    return answer


def scene(folder: Path, handler: Handler | None = None, **given: Any) -> Scene:
    return Scene(folder=folder, handlers={"groq": [handler or echoes()]}, **given)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_results_stand_in_the_order_of_the_items_however_they_came(tmp_path: Path) -> None:
    first = Silent("slow")
    here = Scene(folder=tmp_path, handlers={"groq": [first, answers("quick")]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=list("abcdef"), save_to="out.jsonl"))
        await until(lambda: len(here.asked) == 6)
        assert not (here.project / "out.jsonl").exists()
        first.go_on.set()
        reply = await ended(call)
    rows = lines_of(here.project / "out.jsonl")
    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [row["item"] for row in rows] == list("abcdef")
    assert [row["answer"] for row in rows].count("slow") == 1
    assert rows[0]["model"] == "groq:openai/gpt-oss-20b"
    assert "6 of 6 items answered" in reply.text
    assert "out.jsonl" in reply.text


async def test_an_item_that_fails_takes_nobody_with_it_and_its_reason_is_kept(tmp_path: Path) -> None:
    here = scene(tmp_path, echoes(lambda word: ErrorKind.BAD_ANSWER if word in {"3", "5"} else None))
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=[str(number) for number in range(8)], save_to="out.jsonl")
    rows = lines_of(here.project / "out.jsonl")
    assert [row["ok"] for row in rows] == [True, True, True, False, True, False, True, True]
    assert "bad answer" in rows[3]["error"]
    assert "6 of 8 items answered, 2 failed" in reply.text
    assert "2 x bad answer" in reply.text
    # Bounded: each of the two was asked for three times, at every model of the rule.
    tried = Counter(text.split()[-1] for text in here.asked)
    assert tried["0"] == 1
    assert tried["3"] == tried["5"] > 1
    assert tried["3"] <= 3 * 4


async def test_items_beyond_the_requests_of_a_minute_wait_in_line_and_none_fails(tmp_path: Path) -> None:
    here = scene(tmp_path, limits=(Limit("requests", "minute", 5, "account"),))
    began = here.time.at
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=[str(number) for number in range(23)])
    assert "23 of 23 items answered." in reply.text
    assert sorted(here.asked, key=lambda text: int(text.split()[-1])) == [f"Say {number}" for number in range(23)]
    # Five a minute: the last three could go when four minutes had passed, and were not kept waiting longer.
    assert 4 * MINUTE <= here.time.at - began <= 5 * MINUTE
    failed = [held for held in here.ledger.calls.values() if held.end and held.end.state == "failed"]
    assert len(failed) <= 23


async def test_never_more_are_sent_in_a_minute_than_the_limit(tmp_path: Path) -> None:
    sent: list[float] = []
    here = scene(tmp_path, limits=(Limit("requests", "minute", 4, "account"),))

    async def note(ask: Ask, report: Report) -> Completion:
        sent.append(here.time.at)
        return await echoes()(ask, report)

    here.providers["groq"].handlers = [note]
    async with here.server() as batches:
        await here.run(batches, "Say {item}", items=list(range(14)))
    assert len(sent) == 14
    assert all(sum(at <= other < at + MINUTE for other in sent) <= 4 for at in sent)


async def test_a_batch_that_outlasts_a_days_quota_goes_on_after_the_reset(tmp_path: Path) -> None:
    here = scene(tmp_path, limits=(Limit("requests", "day", 6, "account"),))
    began = here.time.at
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=list(range(10)))
    assert "10 of 10 items answered." in reply.text
    assert len(here.asked) == 10
    assert here.time.at - began < 1.1 * DAY
    midnight = (began // DAY + 1) * DAY
    assert here.time.at >= midnight


async def test_while_it_waits_for_room_it_says_until_when(tmp_path: Path) -> None:
    here = scene(tmp_path, limits=(Limit("requests", "day", 2, "account"),))
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=list(range(4))))
        await anyio.lowlevel.checkpoint()
        await until(lambda: "2 of 4 items done; no model has" in batches.still_running(call.call_id).text)
        told = batches.still_running(call.call_id)
        assert told.meta["delegate"]["waits_until"] > here.time.at
        await ended(call)


async def test_a_rate_limit_that_the_service_tells_is_waited_out_and_is_no_failure(tmp_path: Path) -> None:
    refuses = fails(ErrorKind.RATE_LIMITED, retry_after_s=40.0)
    here = Scene(folder=tmp_path, handlers={"groq": [refuses] * 6 + [echoes()]})
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=["a", "b"])
    assert "2 of 2 items answered." in reply.text


async def test_another_provider_is_used_where_the_first_has_no_room(tmp_path: Path) -> None:
    here = Scene(
        folder=tmp_path,
        handlers={"groq": [echoes()], "gemini": [echoes()]},
        limits=(Limit("requests", "minute", 6, "account"),),
    )
    began = here.time.at
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=list(range(12)))
    assert "12 of 12 items answered." in reply.text
    assert here.time.at - began < MINUTE
    assert {name: len(provider.asks) for name, provider in here.providers.items()} == {"groq": 6, "gemini": 6}


async def test_what_a_killed_server_had_settled_is_not_asked_again(tmp_path: Path) -> None:
    stuck = Silent()
    here = Scene(folder=tmp_path, handlers={"groq": [echoes(), echoes(), stuck]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=list("abcde"), save_to="out.jsonl"))
        so_far = batches.folders.folder(call.call_id).so_far
        await until(lambda: so_far.exists() and len(lines_of(so_far)) == 2)
    settled = {row["item"] for row in lines_of(so_far)}
    here.providers["groq"].handlers = [echoes()]
    here.providers["groq"].asks.clear()
    async with here.server() as batches:
        await batches.take_over()
        running = batches.calls.running[call.call_id]
        reply = await ended(running)
    assert {text.split()[-1] for text in here.asked} == set("abcde") - settled
    assert [row["answer"] for row in lines_of(here.project / "out.jsonl")] == [f"<{letter}>" for letter in "abcde"]
    assert "5 of 5 items answered." in reply.text


async def test_an_answer_that_was_kept_but_not_noted_any_more_is_found(tmp_path: Path) -> None:
    here = scene(tmp_path)
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a", "b", "c"]))
        folder = batches.folders.folder(call.call_id)
        items, spec = folder.items_file.read_bytes(), folder.spec()
        await ended(call)
    # As if it had been killed when the calls had ended and their lines were not written yet.
    assert spec is not None
    folder.items_file.write_bytes(items)
    (folder.path / "outcome.json").unlink()
    row = here.ledger.batches[call.call_id]
    here.ledger.batches[call.call_id] = replace(row, state="running", ended_at=None)
    here.providers["groq"].asks.clear()
    async with here.server() as batches:
        await batches.take_over()
        reply = await ended(batches.calls.running[call.call_id])
    assert here.asked == []
    assert "0 <a>\n1 <b>\n2 <c>" in reply.text


async def test_a_batch_whose_server_lives_is_left_alone(tmp_path: Path) -> None:
    here = Scene(folder=tmp_path, handlers={"groq": [Silent()]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a"]))
        row = here.ledger.batches[call.call_id]
        here.ledger.batches[call.call_id] = replace(row, owner="another-machine:7")
        async with here.server() as other:
            await other.take_over()
            assert other.calls.running == {}
            assert (await other.result(call.call_id, 0)).text.startswith("Still running: 0 of 1 items done")
            here.time.at = row.lease_until + 1
            await other.take_over()
            assert call.call_id in other.calls.running


async def test_a_server_that_was_asleep_leaves_its_batch_to_who_took_it(tmp_path: Path) -> None:
    stuck = Silent()
    here = Scene(folder=tmp_path, handlers={"groq": [stuck, echoes()]})
    async with here.server() as asleep:
        asleep.renew_s = 0.2
        call = await asleep.begin(asking("Say {item}", items=["a"]))
        await stuck.asked.wait()
        row = here.ledger.batches[call.call_id]
        here.ledger.batches[call.call_id] = replace(row, owner="another-machine:7", lease_until=here.time.at + 1e6)
        reply = await ended(call)  # it learns so when it next tells that it is at work
    assert reply.text.startswith("Still running: 0 of 1 items done")
    assert stuck.given_up.is_set()
    assert here.ledger.batches[call.call_id].owner == "another-machine:7"


async def test_the_persons_cancel_ends_the_batch_and_keeps_what_is_done(tmp_path: Path) -> None:
    here = Scene(folder=tmp_path, handlers={"groq": [echoes(), Silent()]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a", "b", "c"]))
        so_far = batches.folders.folder(call.call_id).so_far
        await until(lambda: so_far.exists() and so_far.stat().st_size)
        call.scope.cancel()
        await call.done.wait()
        await until(lambda: here.ledger.batches[call.call_id].state == "cancelled")
        await until(lambda: not batches.folders.folder(call.call_id).unfinished)
        reply = await batches.result(call.call_id, 0)
    assert here.time.slept[-1] == GRACE_S
    assert reply.text.startswith("Cancelled: 1 of 3 items answered.")


async def test_a_server_that_ends_leaves_its_batch_to_the_next(tmp_path: Path) -> None:
    here = Scene(folder=tmp_path, handlers={"groq": [Silent()]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a"]))
        batches.closing = True
        await batches.calls.end()
    assert here.ledger.batches[call.call_id].state == "running"
    here.providers["groq"].handlers = [echoes()]
    async with here.server() as batches:
        await batches.take_over()
        assert "1 of 1 items answered." in (await ended(batches.calls.running[call.call_id])).text


async def test_the_file_that_appeared_meanwhile_is_not_overwritten_and_the_results_are_kept(tmp_path: Path) -> None:
    waits = Silent()
    here = Scene(folder=tmp_path, handlers={"groq": [waits]})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=["a"], save_to="out.jsonl"))
        (here.project / "out.jsonl").write_text("mine")
        waits.go_on.set()
        reply = await ended(call)
    assert (here.project / "out.jsonl").read_text() == "mine"
    assert "never overwritten" in reply.text
    assert lines_of(batches.folders.folder(call.call_id).results)[0]["answer"] == "late"


async def test_results_are_kept_beside_the_work_where_the_disk_is_slow(tmp_path: Path) -> None:
    here = scene(tmp_path)
    looks = count()
    here.time = Hurried(looks=looks)
    async with here.server() as batches:
        await here.run(batches, "Say {item}", items=list("abcdef"), save_to="out.jsonl")
    assert [row["answer"] for row in lines_of(here.project / "out.jsonl")] == [f"<{letter}>" for letter in "abcdef"]
    assert next(looks) > 6


async def test_json_answers_are_values_of_the_line(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    here = scene(tmp_path, answers('{"n": 4}'))
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=["a"], json_schema=schema, save_to="out.jsonl")
    assert lines_of(here.project / "out.jsonl")[0]["answer"] == {"n": 4}
    assert reply.meta["delegate"]["answered"] == 1


async def test_long_results_are_read_on_from_where_the_director_stands(tmp_path: Path) -> None:
    here = scene(tmp_path, answers("word " * 200), settings={"results": {"max_tokens": 150}})
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=list(range(4))))
        reply = await ended(call)
        results = batches.folders.folder(call.call_id).results
        assert str(results) in reply.text
        assert "word word" not in reply.text
        whole, read, offset = results.read_text(), "", 1
        while offset is not None:
            page = await batches.result(call.call_id, offset)
            read += page.text.rpartition("\n\n[")[0]
            offset = page.meta["delegate"]["next_offset"]
    assert read == whole[1:]


async def test_the_directors_tokens_are_counted_once_with_the_batch(tmp_path: Path) -> None:
    here = scene(tmp_path)
    async with here.server() as batches:
        call = await batches.begin(asking("Say {item}", items=list(range(5)), director_input_tokens=30))
        await ended(call)
    ends = {call_id: held.end for call_id, held in here.ledger.calls.items()}
    own = ends.pop(call.call_id)
    assert own is not None
    assert own.director_input_tokens == 30
    assert own.director_output_tokens > 5
    assert len(ends) == 5
    assert {(end.director_input_tokens, end.director_output_tokens) for end in ends.values() if end} == {(0, 0)}


async def test_a_batch_and_its_items_count_for_the_project_they_were_asked_in(tmp_path: Path) -> None:
    here = scene(tmp_path)
    async with here.server() as batches:
        await here.run(batches, "Say {item}", items=["a", "b"])
    projects = [held.start.project for held in here.ledger.calls.values()]
    assert projects == [project_label(here.project)] * 3


async def test_private_items_run_no_more_at_once_than_the_local_engine_has_slots(tmp_path: Path) -> None:
    at_once, most = 0, 0

    async def answer(_: Ask, report: Report) -> Completion:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await anyio.lowlevel.checkpoint()
        at_once -= 1
        return Completion(text="here", finish_reason="stop", usage=Usage(10, 5))

    here = Scene(folder=tmp_path, handlers={"groq": [answers("cloud")], "ollama": [answer]})
    async with here.server() as batches:
        reply = await here.run(batches, "Say {item}", items=list(range(9)), task_type="private")
    assert "9 of 9 items answered." in reply.text
    assert here.providers["groq"].asks == []
    assert most <= 2


@pytest.mark.parametrize(
    ("prompt", "given", "words"),
    [
        ("no place", {"items": ["a"]}, r"no \{item\}"),
        ("{item.name}", {"items": [{"title": "x"}]}, "no such field; it has title"),
        ("{item.name}", {"items": ["x"]}, "no object with fields"),
        ("{item}", {}, "Give one of items, files, items_file"),
        ("{item}", {"items": ["a"], "files": ["b"]}, "not items and files"),
        ("{item}", {"items": []}, "no items"),
        ("{item}", {"items": range(60_000)}, "more than 50,000 items"),
        ("{item}", {"items": ["a"], "task_type": "codng"}, "no task type"),
        ("{item}", {"items": ["a"], "json_schema": {"type": 7}}, "json_schema"),
        ("{item}", {"items": ["a"], "save_to": "/etc/out"}, "outside"),
        ("{item}", {"items": ["a"], "save_to": "there.jsonl"}, "never overwritten"),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_is_sent_or_kept(
    tmp_path: Path, prompt: str, given: dict[str, Any], words: str
) -> None:
    here = scene(tmp_path)
    (here.project / "there.jsonl").write_text("{}")
    async with here.server() as batches:
        with pytest.raises(InputError, match=words):
            await batches.begin(asking(prompt, **given))
        assert batches.folders.unfinished() == []
    assert here.asked == []
    assert here.ledger.batches == {}
    assert not list((tmp_path / "home").glob("batches/*"))


async def test_where_nobody_can_ever_answer_the_batch_is_refused_whole(tmp_path: Path) -> None:
    here = scene(tmp_path)
    async with here.server() as batches:
        with pytest.raises(NoCandidateError, match="No model can take this call"):
            await batches.begin(asking("Say {item}", items=["a", "b"], task_type="private"))
    assert here.ledger.calls == {}


async def test_an_unknown_batch_is_told_as_such(tmp_path: Path) -> None:
    here = scene(tmp_path)
    async with here.server() as batches:
        with pytest.raises(CallNotFoundError, match="No batch"):
            await batches.result("b123456789012", 0)
