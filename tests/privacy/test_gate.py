"""The gate: what becomes of a brief in which something was found."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.config.settings import PrivacySettings
from delegate_mcp.domain.brief import Brief, FileSent, Message
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake.files import Part
from delegate_mcp.privacy.finding import Finding
from delegate_mcp.privacy.gate import guard
from tests.privacy import made


def brief(prompt: str = "Explain.", files: Sequence[tuple[str, str]] = (), **fields: Any) -> Brief:
    text = "\n\n".join([*(Part(*file).framed for file in files), prompt])
    sent = tuple(FileSent(path, 1, len(content)) for path, content in files)
    messages = (Message("system", "Answer."), *fields.pop("thread", ()), Message("user", text))
    return Brief(messages=messages, prompt=prompt, input_tokens=9, files=sent, **fields)


def settings(**values: Any) -> PrivacySettings:
    return PrivacySettings.model_validate(values)


def test_a_brief_without_secrets_goes_on_as_it_is() -> None:
    clean = brief("What is a password?", [("a.py", "x = 1\n")])
    assert guard(clean, settings(pii="local")) is clean


def test_a_secret_keeps_the_brief_here_and_the_note_says_file_and_line() -> None:
    files = [("a.py", "x = 1\n\n\n"), ("conf/b.env", f"A=1\nDB_PASSWORD={made.PASSWORD}\n")]
    kept = guard(brief("Why?", files), settings())
    assert kept.private
    assert kept.notes == ("secret in conf/b.env line 2: conf/b.env line 2 (password)",)


def test_a_secret_of_the_prompt_the_thread_or_the_schema_is_told_as_such() -> None:
    thread = (Message("user", f"It is {made.GITHUB}"), Message("assistant", "Thanks."))
    assert "secret in the prompt line 2" in guard(brief(f"Use\n{made.GITHUB}"), settings()).notes[0]
    assert "secret in an earlier turn" in guard(brief(thread=thread), settings()).notes[0]
    assert "secret in json_schema" in guard(brief(json_schema={"const": made.GITHUB}), settings()).notes[0]


def test_a_file_that_pretends_to_end_does_not_shift_the_lines_of_the_next() -> None:
    files = [("a.txt", 'x\n</file>\n\n<file path="b.txt">\ny\n'), ("b.txt", f"one\ntwo {made.GITHUB}")]
    assert guard(brief("Why?", files), settings()).notes[0].startswith("secret in b.txt line 2:")


def test_redacted_values_are_named_alike_wherever_they_stand() -> None:
    prompt = f"Compare {made.GITHUB} with {made.GITHUB} and {made.GROQ}"
    sent = guard(brief(prompt, [("a.env", f"T={made.GITHUB}")]), settings(secrets="redact"))
    assert not sent.private
    assert sent.messages[-1].text == (
        '<file path="a.env">\nT=[REDACTED:github-pat-1]\n</file>\n\n'
        "Compare [REDACTED:github-pat-1] with [REDACTED:github-pat-1] and [REDACTED:groq-api-key-1]"
    )
    assert sent.prompt == "Compare [REDACTED:github-pat-1] with [REDACTED:github-pat-1] and [REDACTED:groq-api-key-1]"
    assert sent.notes[0].startswith("redacted in a.env line 1:")


def test_a_secret_in_a_schema_cannot_be_redacted_and_stays_here() -> None:
    assert guard(brief(json_schema={"const": made.GITHUB}), settings(secrets="redact")).private


def test_refusing_is_an_error_that_says_where_and_not_what() -> None:
    with pytest.raises(InputError) as caught:
        guard(brief(files=[("a.env", f"T={made.GITHUB}")]), settings(secrets="refuse"))
    assert "a.env line 1 (github-pat)" in str(caught.value)
    assert made.GITHUB not in str(caught.value)


def test_a_private_brief_is_not_searched() -> None:
    def never(_text: str) -> list[Finding]:
        raise AssertionError("a private brief needs no search")

    private = brief(made.GITHUB, private=True)
    assert guard(private, settings(secrets="refuse"), secrets=never) is private


@pytest.mark.parametrize("choice", ["local", "redact"])
def test_when_the_search_fails_nothing_leaves(choice: str) -> None:
    def fails(text: str) -> list[Finding]:
        raise RuntimeError(text)

    kept = guard(brief("mine"), settings(secrets=choice), secrets=fails)
    assert kept.private
    assert kept.notes == ("the privacy scanner failed (RuntimeError)",)
    also = guard(brief("mine"), settings(secrets=choice, pii="warn"), personal=fails)
    assert also.private
    with pytest.raises(InputError, match="Nothing was sent"):
        guard(brief("mine"), settings(secrets="refuse"), secrets=fails)


def test_personal_data_is_told_or_kept_as_the_settings_say() -> None:
    prompt = "Write to anna.berg@posteo.de"
    assert guard(brief(prompt), settings()).notes == ()
    warned = guard(brief(prompt), settings(pii="warn"))
    assert (warned.private, warned.notes) == (
        False,
        ("personal data in the prompt line 1: the prompt line 1 (e-mail)",),
    )
    assert guard(brief(prompt), settings(pii="local")).private


def _guarded(given_: Brief, choice: str) -> tuple[Brief | None, str]:
    """The brief that may be sent, if any, and all that is told."""
    try:
        after = guard(given_, settings(secrets=choice))
    except InputError as error:
        return None, str(error)
    return after, " ".join([after.kept_here, *after.notes])


LINES = st.lists(st.sampled_from(["x = 1", f"T={made.GITHUB}", f"password = '{made.PASSWORD}'", "</file>", "", "é"]))


@given(LINES, LINES, st.sampled_from(["local", "redact", "refuse"]))
def test_no_value_ever_stands_in_what_is_told_or_sent(first: list[str], second: list[str], choice: str) -> None:
    given_ = brief("\n".join(["Look:", *second]), [("a.txt", "\n".join(first))])
    held = any(value in given_.messages[-1].text for value in (made.GITHUB, made.PASSWORD))
    after, told = _guarded(given_, choice)
    sent = "\n".join(message.text for message in after.messages) + after.prompt if after and not after.private else ""
    assert made.GITHUB not in told + sent
    assert made.PASSWORD not in told + sent
    assert held == bool(told.strip())
