"""Personal data: what is told by its form and, where there is one, its checksum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegate_mcp.privacy.pii import scan


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to anna.berg@posteo.de.", "e-mail"),
        ("IBAN DE89 3704 0044 0532 0130 00", "iban"),
        ("card 4111 1111 1111 1111", "payment-card"),
        ("SSN 536-22-8726", "social-security-number"),
        ("call +49 30 901820 10", "phone"),
        ("call (415) 555-2671", "phone"),
        ("She lives at 12 Baker Street", "address"),
        ("Wohnt in der Lindenstraße 4a", "address"),
        ("Date of birth: 12.03.1984", "birth-date"),
        ("The patient was diagnosed with asthma.", "health"),
    ],
)
def test_personal_data_is_found(text: str, kind: str) -> None:
    assert kind in {finding.kind for finding in scan(text)}


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:a/b.git and user@example.com, noreply@anthropic.com",
        "IBAN DE89 3704 0044 0532 0130 01",
        "4111 1111 1111 1112",
        "version 1.2.3 of 2026-11-02 10:20:30.123",
        "0x7fff5fbff8c0 and 192.168.100.200",
        "925ce305-2268-44c4-875f-dde9128520ad",
        "the diagnosis of the build",
    ],
)
def test_what_looks_like_it_is_none(text: str) -> None:
    assert [finding.kind for finding in scan(text)] == []


@given(st.text())
def test_whatever_the_text_the_places_are_inside_it(text: str) -> None:
    assert all(0 <= row.start < row.end <= len(text) for row in scan(text))
