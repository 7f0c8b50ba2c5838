"""How a ledger keeps what use has shown: the fading is done here, within the transaction that holds the row."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from delegate_mcp.domain.model_id import ModelId
from delegate_mcp.domain.standing import VERDICT_WEIGHT, WORTH, Piece, Standing, Tally, Verdict
from delegate_mcp.domain.times import CLOCKS_DIFFER_S
from delegate_mcp.ledger.evidence import WHY_CHARS, VerdictRow
from delegate_mcp.ledger.rows import Row, model_id_of
from delegate_mcp.ledger.statements import Statements


def learn(db: Statements, call_id: str, pieces: Sequence[Piece], now: float) -> None:
    """Add them, each model's in turn; in one order, so that two who learn at once do not hold one another up.

    The call bears the mark of it: who tries again because no answer came from the database counts nothing twice.
    """
    if db.send("learn_once", {"call_id": call_id}).fetchone() is None:
        return
    _turn_back(db, now)
    for (model_id, task_type), some in groupby(sorted(pieces, key=_whose), key=_whose):
        standing = _held(db, model_id, task_type)
        for piece in some:
            standing = standing.with_(piece, now)
        _keep(db, model_id, task_type, standing)


def judge(db: Statements, call_id: str, verdict: Verdict, why: str, now: float) -> VerdictRow | None:
    """Keep a verdict and count it."""
    call = db.send("answered_by", {"call_id": call_id}).fetchone()
    if call is None:
        return None
    before = db.send("verdict", {"call_id": call_id}).fetchone()
    row = VerdictRow(
        call_id=call_id,
        model_id=model_id_of(call),
        task_type=call["task_type"],
        verdict=verdict,
        why=why[:WHY_CHARS],
        at=now,
    )
    db.send("keep_verdict", {"call_id": call_id, "verdict": verdict, "why": row.why, "at": now})
    if before is None or before["verdict"] != verdict:
        _turn_back(db, now)
        standing = _held(db, row.model_id, row.task_type)
        _keep(db, row.model_id, row.task_type, judged(standing, row, before and before["at"]))
    return row


def judged(standing: Standing, row: VerdictRow, before_at: float | None) -> Standing:
    """The standing with a verdict, and without the other one that was given before."""
    if before_at is not None:
        good, bad = VERDICT_WEIGHT * (row.verdict == "bad"), VERDICT_WEIGHT * (row.verdict == "good")
        standing = Standing(standing.worth.without(good, bad, before_at, row.at, WORTH), standing.presence)
    return standing.with_(Piece.of_verdict(row.verdict, row.model_id, row.task_type), row.at)


def standings_of(rows: Iterable[Row]) -> dict[tuple[ModelId, str], Standing]:
    """The rows of the statement `standings`."""
    return {(model_id_of(row), row["task_type"]): _standing_of(row) for row in rows}


def verdict_of(row: Row) -> VerdictRow:
    """A row of the statement `verdicts`."""
    return VerdictRow(
        call_id=row["call_id"],
        model_id=model_id_of(row),
        task_type=row["task_type"],
        verdict=row["verdict"],
        why=row["why"],
        at=row["at"],
    )


def _whose(piece: Piece) -> tuple[ModelId, str]:
    return piece.model_id, piece.task_type


def _turn_back(db: Statements, now: float) -> None:
    """What was learned while a clock was far ahead counts as of now: it would else not fade until then."""
    db.send("turn_back_standings", {"now": now, "ahead": now + CLOCKS_DIFFER_S})


def _held(db: Statements, model_id: ModelId, task_type: str) -> Standing:
    """The standing as it is, held until the transaction ends."""
    which = _which(model_id, task_type)
    db.send("begin_standing", which)
    return _standing_of(db.send("standing", which).fetchone())


def _keep(db: Statements, model_id: ModelId, task_type: str, standing: Standing) -> None:
    worth, presence = standing.worth, standing.presence
    db.send(
        "keep_standing",
        _which(model_id, task_type)
        | {"worth_good": worth.good, "worth_bad": worth.bad, "worth_at": worth.at}
        | {"presence_good": presence.good, "presence_bad": presence.bad, "presence_at": presence.at},
    )


def _which(model_id: ModelId, task_type: str) -> dict[str, Any]:
    return {"provider": model_id.provider, "model": model_id.model, "task_type": task_type}


def _standing_of(row: Row) -> Standing:
    return Standing(
        Tally(row["worth_good"], row["worth_bad"], row["worth_at"]),
        Tally(row["presence_good"], row["presence_bad"], row["presence_at"]),
    )
