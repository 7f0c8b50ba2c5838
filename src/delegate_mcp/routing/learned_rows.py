"""What use has taught as a person reads it: a row a model and task type, beside what the rubric says. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import WORTH, Standings
from delegate_mcp.ledger.evidence import VerdictRow
from delegate_mcp.routing.credible import bounds
from delegate_mcp.routing.learning import presence_of, worth_of

INSIDE = 0.9


def learned_rows(
    standings: Standings,
    verdicts: Sequence[VerdictRow],
    quality: Callable[[ModelId, str], int | None],
    now: float,
) -> list[dict[str, Any]]:
    """By task type, the best first. `quality`: the rubric's 0 to 10; None: nothing is known of the model any more.

    [{"task_type": "quick", "model": "groq:…", "prior": 0.7, "mean": 0.81, "low": 0.72, "high": 0.89, "weight": 34.2,
      "answers": 0.98, "verdict": {"verdict": "good", "why": "…", "call_id": "c…", "at": "2026-11-21T10:00:00Z"}}]
    """
    last = {(row.model_id, row.task_type): row for row in verdicts}
    rows: list[dict[str, Any]] = []
    for (model_id, task_type), standing in standings.items():
        points = quality(model_id, task_type)
        if points is None:
            continue
        good, bad = worth_of(standing, points, now)
        inside = bounds(good, bad, INSIDE)
        rows.append(
            {
                "task_type": task_type,
                "model": str(model_id),
                "prior": points / 10,
                "mean": round(good / (good + bad), 3),
                "low": round(inside.low, 3),
                "high": round(inside.high, 3),
                "weight": round(standing.worth.faded(now, WORTH).weight, 1),
                "answers": round(presence_of(standing, now), 3),
                "verdict": _verdict(last.get((model_id, task_type))),
            }
        )
    return sorted(rows, key=lambda row: (row["task_type"], -row["mean"], row["model"]))


def _verdict(row: VerdictRow | None) -> dict[str, str] | None:
    if row is None:
        return None
    at = datetime.fromtimestamp(row.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"verdict": row.verdict, "why": row.why, "call_id": row.call_id, "at": at}
