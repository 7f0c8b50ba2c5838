"""The tables of docs/economy.md: by kind of job, by length of a conversation, and where our own tokens go."""

import re
from collections.abc import Callable, Mapping, Sequence

from bench.economy.director import Spent, with_rereading
from bench.economy.jobs import Job
from bench.economy.runs import Run

LENGTHS = (1, 10, 40)


def tables(jobs: Sequence[Job], alone: Sequence[Spent], measured: Sequence[Run]) -> Mapping[str, str]:
    """By the name of their marks."""
    ran = [run for run in measured if not run.why_not]
    return {
        "kinds": by_kind(jobs, alone, ran),
        "conversations": by_conversation(alone, ran),
        "parts": parts(jobs, ran[0]),
        "sensitivity": sensitivity(jobs, alone, ran[0]),
    }


def by_kind(jobs: Sequence[Job], alone: Sequence[Spent], ran: Sequence[Run]) -> str:
    """Tokens a job without the tool lists."""
    kinds = list(dict.fromkeys(job.kind for job in jobs))
    rows = [["kind", "jobs", "itself", *(run.name for run in ran), "free tokens a job"]]
    for kind in [*kinds, ""]:
        places = [place for place, job in enumerate(jobs) if job.kind == kind or not kind]
        spents = [[way[place].total for place in places] for way in (alone, *(run.spent for run in ran))]
        free = [ran[0].free[place] for place in places]
        means = [_mean(values) for values in (*spents, free)]
        rows.append([kind or "**all**", str(len(places)), *(f"{mean:,.0f}" for mean in means)])
    return _markdown(rows)


def by_conversation(alone: Sequence[Spent], ran: Sequence[Run]) -> str:
    """Tokens a job with the tool lists, once and with what hosts send again."""
    rows = [
        ["way", "tool list and instructions", *(f"{length} a conversation" for length in LENGTHS), "with re-reading"]
    ]
    itself = _mean([one.total for one in alone])
    rows.append(["itself", "0", *(f"{itself:,.0f}" for _ in LENGTHS), _again(0, alone)])
    for run in ran:
        name = f"{run.name} ({run.version})"
        every = {name: run.listing} | {f"{name} with {how}": listing for how, listing in run.listings.items()}
        for named, listing in every.items():
            means = [f"{run.per_job(length, listing):,.0f}" for length in LENGTHS]
            rows.append([named, f"{listing:,}", *means, _again(listing, run.spent)])
    return _markdown(rows)


def parts(jobs: Sequence[Job], ours: Run) -> str:
    """Where the director's tokens go through us."""
    count = len(jobs)
    saved = [place for place, job in enumerate(jobs) if job.save_to or job.is_patch]
    read = [one.requests[0][1] for one in ours.spent]
    answers = sum(job.tokens for place, job in enumerate(jobs) if place not in saved)
    receipts = sum(read[place] for place in saved)
    per_job: dict[str, float] = {
        "tool list and instructions, 10 jobs a conversation": ours.listing / 10,
        "arguments": sum(wrote for one in ours.spent for wrote, _ in one.requests) / count,
        "answers that are read": answers / count,
        f"receipts of what is saved ({len(saved)} jobs)": receipts / count,
        "the rest of the results, nearly all of it the line below an answer": (sum(read) - answers - receipts) / count,
    }
    rows = [["part", "tokens a job"], *([name, f"{value:.0f}"] for name, value in per_job.items())]
    rows += [["**all**", f"{ours.per_job(10):.0f}"], ["free inference beside them", f"{_mean(ours.free):,.0f}"]]
    return _markdown(rows)


def sensitivity(jobs: Sequence[Job], alone: Sequence[Spent], ours: Run) -> str:
    """The two figures of ours by the length of a conversation, and without the jobs that favour us most."""
    rows = [["jobs", *(f"{what}, {length} a conversation" for what in ("of itself", "free") for length in LENGTHS[1:])]]
    for without in ((), ("long text",), ("search",), ("long text", "search")):
        places = [place for place, job in enumerate(jobs) if job.kind not in without]
        some = Run(name="", listing=ours.listing)
        some.spent, some.free = [ours.spent[place] for place in places], [ours.free[place] for place in places]
        itself = _mean([alone[place].total for place in places])
        parts_of = [f"{some.per_job(length) / itself:.3f}" for length in LENGTHS[1:]]
        shares = [f"{100 - some.not_free_percent(length):.2f} %" for length in LENGTHS[1:]]
        named = f"{len(places)}, without {' and '.join(without)}" if without else f"all {len(places)}"
        rows.append([named, *parts_of, *shares])
    return _markdown(rows)


def put(text: str, made: Mapping[str, str]) -> str:
    """A page with the tables between its marks. Raises ValueError where a mark is missing."""
    for name, table in made.items():
        marks = re.compile(rf"(?s)(<!-- economy:{name} -->\n).*?(<!-- /economy -->)")
        filled: Callable[[re.Match[str]], str] = lambda found, table=table: f"{found[1]}{table}\n{found[2]}"  # noqa: E731
        text, times = marks.subn(filled, text)
        if times != 1:
            raise ValueError(f"the page has no <!-- economy:{name} --> ... <!-- /economy -->")
    return text


def _again(listing: int, spents: Sequence[Spent]) -> str:
    """Tokens a job with re-reading, in conversations of ten."""
    parts_of = [spents[at : at + 10] for at in range(0, len(spents), 10)]
    return f"{sum(with_rereading(listing, part) for part in parts_of) / len(spents):,.0f}"


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
