"""What a director reads of a batch: counts, why items failed, where the results are; short results themselves."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from delegate_mcp.batch.done import OTHER, Done
from delegate_mcp.batch.folder import BatchFolder
from delegate_mcp.delivery.reply import Reply
from delegate_mcp.delivery.untrusted import for_reader, framed
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.ledger.batches import BatchRow

_REASONS = 3
_CHARS_A_TOKEN = 4
_MINUTE_S, _HOUR_S = 60.0, 3600.0


def outcome_of(done: Done, total: int, state: str, *, saved: str | None, not_saved: str | None) -> dict[str, Any]:
    """What is kept of a batch that is over, to be told again by any server."""
    worst = sorted(done.failures.items(), key=lambda pair: (pair[0] == OTHER, -pair[1].count))
    return {
        "state": state,
        "total": total,
        "answered": done.answered,
        "failed": done.failed,
        "failures": [[reason, found.count, found.first] for reason, found in worst],
        "saved": saved,
        "not_saved": not_saved,
    }


def running_text(row: BatchRow, so_far: Path | None, now: float) -> str:
    """How far a batch is, when more is to be expected, and where to look meanwhile."""
    settled = row.answered + row.failed
    parts = [f"{settled} of {row.total} items done" + (f", {row.failed} failed" if row.failed else "")]
    if row.waits_until is not None and row.waits_until > now:
        parts.append(f"no model has room for {_span(row.waits_until - now)}")
    if row.expected_at is not None and row.expected_at > now:
        parts.append(f"about {_span(row.expected_at - now)} left")
    where = f" So far: {so_far}" if so_far is not None and settled else ""
    return (
        f"Still running: {'; '.join(parts)}. Do something else, then delegate_result {row.batch_id}.{where}\n\n"
        f"[{row.batch_id} running]"
    )


def running_reply(row: BatchRow, so_far: Path | None, now: float) -> Reply:
    """The reply while a batch runs."""
    facts = {
        "call_id": row.batch_id,
        "state": "running",
        "total": row.total,
        "answered": row.answered,
        "failed": row.failed,
        "expected_at": row.expected_at,
        "waits_until": row.waits_until,
        "results": None if so_far is None else str(so_far),
    }
    return Reply(running_text(row, so_far, now), {"delegate": facts})


def ended_reply(batch_id: str, outcome: Mapping[str, Any], folder: BatchFolder, max_tokens: int, offset: int) -> Reply:
    """The reply once a batch is over: in full where it is short, else where its results are; `offset` reads on."""
    facts = {"call_id": batch_id, **outcome, "results": str(folder.results)}
    if offset:
        return _page(batch_id, facts, folder, max_tokens, offset)
    head = _head(outcome)
    if outcome["saved"]:
        text = f"{head}\nSaved {outcome['saved']}: a line of JSON an item, in order."
    elif (inline := _inline(folder, max_tokens)) is not None:
        text = f"{head}\n{inline}"
    else:
        text = f"{head}\nResults, a line of JSON an item, in order: {folder.results}"
    if outcome["not_saved"]:
        text = f"{outcome['not_saved']}\n{text}"
    return Reply(f"{text}\n\n[{batch_id}]", {"delegate": facts}, is_error=not outcome["answered"])


def _head(outcome: Mapping[str, Any]) -> str:
    cancelled = "Cancelled: " if outcome["state"] == "cancelled" else ""
    failed = f", {outcome['failed']} failed" if outcome["failed"] else ""
    lines = [f"{cancelled}{outcome['answered']} of {outcome['total']} items answered{failed}."]
    failures: list[tuple[str, int, int]] = outcome["failures"]
    lines += [f"{count} x {reason} (item {first})" for reason, count, first in failures[:_REASONS]]
    more = sum(count for _, count, _ in failures[_REASONS:])
    return "\n".join([*lines, f"{more} for other reasons"] if more else lines)


def _inline(folder: BatchFolder, max_tokens: int) -> str | None:
    """The results as short lines, `index answer`; None where they are too long for the director."""
    if folder.results.stat().st_size > max_tokens * _CHARS_A_TOKEN * 4:
        return None
    text = "\n".join(_short_lines(folder))
    return framed(for_reader(text)) if estimate_tokens(text) <= max_tokens else None


def _short_lines(folder: BatchFolder) -> Iterator[str]:
    for line in folder.results.read_text(encoding="utf-8").splitlines():
        record: dict[str, Any] = json.loads(line)
        if record["ok"]:
            answer = record["answer"]
            told = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        else:
            told = f"failed: {record['error']}"
        yield f"{record['index']} {told}"


def _page(batch_id: str, facts: dict[str, Any], folder: BatchFolder, max_tokens: int, offset: int) -> Reply:
    """Results from a character on, whole lines where they fit."""
    total = folder.chars()
    part = folder.part(offset, max_tokens * _CHARS_A_TOKEN)
    while len(part) > 1 and estimate_tokens(part) > max_tokens:
        part = part[: len(part) * 3 // 4]
    if offset + len(part) < total and "\n" in part:
        part = part[: part.rindex("\n") + 1]
    end = min(total, offset + len(part))
    cut = f" cut {end}/{total}" if end < total else ""
    facts |= {"offset": offset, "next_offset": end if end < total else None, "total_chars": total}
    return Reply(f"{framed(for_reader(part))}\n\n[{batch_id}{cut}]", {"delegate": facts})


def _span(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 2 * _MINUTE_S:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / _MINUTE_S)} min" if seconds < 2 * _HOUR_S else f"{seconds / _HOUR_S:.0f} h"
