"""What models are told of the parts of a long text, and what becomes of their reports. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from delegate_mcp.answering.material import Material, Part, Piece
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.cuts import head
from delegate_mcp.domain.usage import estimate_tokens

_NOTHING = "NOTHING"
_IS_NOTHING = re.compile(rf"\W*{_NOTHING}\W*", re.IGNORECASE)
_WORDS = (60, 400)
_TOKENS_A_WORD = 1.5
_MOST_TOLD = 8

_PART = """{text}

Above is part {number} of {total} of a long material; other readers have the other parts. The task on all of it is:
<task>
{task}
</task>
Report what this part holds that the task needs: facts, names, numbers, findings, with their file and line where they \
have one. At most {words} words. Only what stands above: do not guess at the other parts, do not repeat the task. If \
nothing above bears on the task, answer {nothing}."""

_GROUP = """{text}

Above are reports on parts of a long material, made for this task:
<task>
{task}
</task>
Make one report of them in at most {words} words. Keep every fact, name, number, file and line that the task needs; \
merge what is said twice, count together what is counted. Nothing that is not above."""

_FINAL = """{text}

Above are reports on all {total} parts of a material that was too long to be read at once, in order.{gaps} They are \
all that you know of it. Now do this task on the whole of it; where reports contradict each other, say so:

{task}"""

_GAPS = " These were not read, so say nothing of them: {unread}."


def of_part(part: Part, text: str) -> Piece:
    """What was answered about a part."""
    return Piece("report", part.told, text.strip())


def in_order(answered: Iterable[tuple[Part, str]]) -> list[Piece]:
    """The reports that say something, in the order of the parts; one that says nothing where none says more."""
    rows = sorted(answered, key=lambda row: (row[0].number, row[0].pieces[0].first_line))
    made = [of_part(part, text) for part, text in rows]
    return [row for row in made if not _IS_NOTHING.fullmatch(row.text)] or made[:1]


def words(room: int, number: int, ceiling: int) -> int:
    """How long each of so many reports may be, so that they fit together and none is cut at its ceiling."""
    least, most = _WORDS
    fair = max(least, min(most, int(room / number / _TOKENS_A_WORD)))
    return max(least, min(fair, int(ceiling * 0.8 / _TOKENS_A_WORD)))


def about_part(taken: Material, part: Part, total: int, most_words: int) -> str:
    """The question about one part."""
    return _PART.format(
        text=part.text, number=part.number, total=total, task=taken.task, words=most_words, nothing=_NOTHING
    )


def about_group(taken: Material, group: Part, most_words: int) -> str:
    """The question that makes one report of several."""
    return _GROUP.format(text=group.text, task=taken.task, words=most_words)


def about_all(taken: Material, reports: Sequence[Piece], total: int, unread: Sequence[Part]) -> str:
    """The last question."""
    gaps = _GAPS.format(unread=_named(unread)) if unread else ""
    text = "\n\n".join(report.framed for report in reports)
    return _FINAL.format(text=text, total=total, gaps=gaps, task=taken.task)


def grouped(reports: Sequence[Piece], room: int) -> tuple[Part, ...]:
    """Neighbours together, as many as the room holds; at least two where there are two."""
    groups: list[list[Piece]] = [[]]
    size = 0
    for row in reports:
        if size + row.tokens > room and len(groups[-1]) > 1:
            groups.append([])
            size = 0
        groups[-1].append(row)
        size += row.tokens
    return tuple(Part(number, tuple(group)) for number, group in enumerate(groups, 1))


def shortened(reports: Sequence[Piece], room: int) -> list[Piece]:
    """Each cut to its share of the room: what is left to do where nobody condenses them."""
    share = room // max(1, len(reports))
    return [
        replace(row, text=head(row.text, max(1, share - (row.tokens - estimate_tokens(row.text))))) for row in reports
    ]


def as_one(group: Part, room: int) -> Piece:
    """The reports of a group that nobody condensed, cut to the length of one."""
    return Piece("report", group.told, "\n".join(row.text for row in shortened(group.pieces, room)))


def note(total: int, unread: Sequence[Part]) -> str:
    """What the director reads of it; the words before the colon stand below the answer."""
    if not unread:
        return f"read in {total} parts"
    missing = {part.number for part in unread}
    return f"read {total - len(missing)} of {total} parts: not read: {_named(unread)}"


def brief(original: Brief, taken: Material, text: str, *, last: bool = False) -> Brief:
    """A question of the call as a brief; only the last one asks for its JSON, and shows its images."""
    messages = (*taken.before, Message("user", text, original.messages[-1].images if last else ()))
    seen = sum(image.tokens for message in messages for image in message.images)
    return Brief(
        messages=messages,
        prompt=original.prompt,
        input_tokens=sum(estimate_tokens(message.text) + 4 for message in messages) + seen,
        files=original.files,
        pages=original.pages,
        private=original.private,
        kept_here=original.kept_here,
        json_schema=original.json_schema if last else None,
    )


def _named(unread: Sequence[Part]) -> str:
    rows = [part.told for part in sorted(unread, key=lambda part: (part.number, part.pieces[0].first_line))]
    more = len(rows) - _MOST_TOLD
    return "; ".join(rows[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")
