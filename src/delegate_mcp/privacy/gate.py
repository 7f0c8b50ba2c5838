"""The gate before the clouds: what would be sent is searched for credentials and personal data.

It takes a brief and returns one: as it was, private (so that it is planned as `delegate_private` is), or with
placeholders in the place of values. No value ever stands in a note or in an error. Where the search itself fails, the
brief is private.
"""

import html
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from delegate_mcp.config.settings import PrivacySettings
from delegate_mcp.domain.brief import Brief
from delegate_mcp.domain.errors import InputError
from delegate_mcp.privacy.finding import Finding

Search = Callable[[str], Sequence[Finding]]
_MAX_TOLD = 5


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding, in which message and how a person finds it."""

    finding: Finding
    message: int | None
    """None: in the schema."""
    place: str

    def __str__(self) -> str:
        return f"{self.place} ({self.finding.kind})"


def guard(
    brief: Brief, settings: PrivacySettings, *, secrets: Search | None = None, personal: Search | None = None
) -> Brief:
    """The brief as it may go on; a private one unchanged. InputError: `secrets = "refuse"` and there are some."""
    if brief.private:
        return brief
    try:
        brief = _guard_secrets(brief, settings, secrets or _credentials)
        brief = brief if brief.private else _guard_personal(brief, settings, personal or _personal_data)
        return brief if brief.private else _guard_images(brief, settings)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing may leave that was not searched
        why = f"the privacy scanner failed ({type(error).__name__})"
        if settings.secrets == "refuse":
            raise InputError(f"Nothing was sent: {why}. Use delegate_private, and report this.") from None
        return _kept_here(brief, why)


def _credentials(text: str) -> Sequence[Finding]:
    from delegate_mcp.privacy.secrets import scan

    return scan(text)


def _personal_data(text: str) -> Sequence[Finding]:
    from delegate_mcp.privacy.pii import scan

    return scan(text)


def _guard_secrets(brief: Brief, settings: PrivacySettings, search: Search) -> Brief:
    found = list(_search(brief, search))
    if not found:
        return brief
    if settings.secrets == "refuse":
        raise InputError(
            f"Nothing was sent: {_told('secret', found)}. Take it out, or use delegate_private. "
            '(`privacy.secrets` is "refuse".)'
        )
    if settings.secrets == "redact" and all(row.message is not None for row in found):
        return _redacted(brief, found)
    return _kept_here(brief, _told("secret", found))


def _guard_personal(brief: Brief, settings: PrivacySettings, search: Search) -> Brief:
    found = list(_search(brief, search)) if settings.pii != "off" else []
    if not found:
        return brief
    told = _told("personal data", found)
    return _kept_here(brief, told) if settings.pii == "local" else replace(brief, notes=(told, *brief.notes))


def _guard_images(brief: Brief, settings: PrivacySettings) -> Brief:
    """Nobody searches a picture: it is said, or it stays here."""
    if not brief.images:
        return brief
    names = [sent.path for sent in brief.files if sent.image][:_MAX_TOLD] or ["an earlier turn"]
    told = f"images not searched: {', '.join(names)}"
    return _kept_here(brief, told) if settings.images == "local" else replace(brief, notes=(told, *brief.notes))


def _kept_here(brief: Brief, why: str) -> Brief:
    return replace(brief, private=True, kept_here=why, notes=(why, *brief.notes))


def _told(what: str, found: Sequence[_Found]) -> str:
    """The head says the first place, what follows the colon all of them: a reply's line has room for a head only."""
    rows = list(dict.fromkeys(map(str, found)))
    more = f" and {len(rows) - _MAX_TOLD} more" if len(rows) > _MAX_TOLD else ""
    return f"{what} in {found[0].place}: {', '.join(rows[:_MAX_TOLD])}{more}"


# --- Where things stand ----------------------------------------------------------------------------------------------


def _search(brief: Brief, search: Search) -> Iterator[_Found]:
    last = len(brief.messages) - 1
    for number, message in enumerate(brief.messages):
        findings = search(message.text)
        parts = list(_parts(brief, message.text)) if number == last and findings else []
        for finding in findings:
            yield _Found(finding, number, _place(finding, message.text, parts) if parts else "an earlier turn")
    if brief.json_schema is not None:
        for finding in search(json.dumps(dict(brief.json_schema), ensure_ascii=False)):
            yield _Found(finding, None, "json_schema")


def _parts(brief: Brief, text: str) -> Iterator[tuple[int, str]]:
    """Where each page, file and the prompt begins, in the order in which intake puts them."""
    at = 0
    for sent in brief.files:
        path = html.escape(sent.path)
        heads = (f'<file path="{path}">\n', f'<page url="{path}">\n')
        begins = [(place, len(head)) for head in heads if (place := text.find(head, at)) >= 0]
        if begins:
            place, size = min(begins)
            yield place + size, sent.path
            at = place + size + max(0, sent.chars - 2)  # its last line ends may have been cut
    yield len(text) - len(brief.prompt), "the prompt"


def _place(finding: Finding, text: str, parts: Sequence[tuple[int, str]]) -> str:
    begin, name = max((part for part in parts if part[0] <= finding.start), default=(0, "the prompt"))
    return f"{name} line {text.count(chr(10), begin, finding.start) + 1}"


# --- Placeholders ----------------------------------------------------------------------------------------------------


def _redacted(brief: Brief, found: Sequence[_Found]) -> Brief:
    """The same value has the same placeholder wherever it stands."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    messages = list(brief.messages)
    for number, message in enumerate(brief.messages):
        text = message.text
        for row in (row.finding for row in found if row.message == number):
            value = text[row.start : row.end]
            if value not in names:
                counts[row.kind] = counts.get(row.kind, 0) + 1
                names[value] = f"[REDACTED:{row.kind}-{counts[row.kind]}]"
        messages[number] = replace(message, text=_replaced(text, found, number, names))
    told = _told("redacted", found)
    prompt = brief.prompt
    for value in sorted(names, key=len, reverse=True):
        prompt = prompt.replace(value, names[value])
    return replace(brief, messages=tuple(messages), prompt=prompt, notes=(told, *brief.notes))


def _replaced(text: str, found: Sequence[_Found], number: int, names: dict[str, str]) -> str:
    made: list[str] = []
    at = 0
    for row in sorted((row.finding for row in found if row.message == number), key=lambda row: row.start):
        made += [text[at : row.start], names[text[row.start : row.end]]]
        at = row.end
    return "".join([*made, text[at:]])
