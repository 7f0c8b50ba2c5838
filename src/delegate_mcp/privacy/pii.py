"""Personal data in a text: kinds that can be told by their form, with the checksum where there is one.

To add a kind: a row in KINDS with its expression over text and, where there is one, the check of its digits.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from delegate_mcp.privacy.finding import Finding


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data."""

    name: str
    pattern: "re.Pattern[str]"
    holds: Callable[[str], bool] | None = None


def _luhn(value: str) -> bool:
    """The checksum of payment cards."""
    digits = [int(sign) for sign in value if sign.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _iban(value: str) -> bool:
    """ISO 13616: the number with its country behind it leaves 1 when divided by 97."""
    plain = "".join(value.split()).upper()
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def _own_address(value: str) -> bool:
    """A person's, none of a robot, a package or an example."""
    name, _, host = value.lower().rpartition("@")
    robot = re.match(r"(?:no-?reply|do-?not-?reply|git|info|support|test|user|admin|root|you|me|name|email)\b", name)
    return not robot and not re.search(r"(?:^|\.)(?:example|test|invalid|localhost)(?:\.|$)|noreply", host)


KINDS: tuple[Kind, ...] = (
    Kind(
        "e-mail",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w-])", re.ASCII),
        _own_address,
    ),
    Kind("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII), _iban),
    Kind("payment-card", re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,4}(?![\w-])", re.ASCII), _luhn),
    Kind(
        "social-security-number",
        re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII),
    ),
    Kind(
        "phone",
        re.compile(
            r"(?<![\w./-])(?:\+\d{1,3}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
            r"|\(\d{3}\) ?\d{3}-\d{4})(?![\w-])",
            re.ASCII,
        ),
    ),
    Kind(
        "address",
        re.compile(
            r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St\.|Avenue|Ave\.|Road|Rd\.|Lane|Drive|Boulevard|Court|Square)\b"
            r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|weg|gasse|allee|platz) \d{1,4}[a-z]?\b"
        ),
    ),
    Kind(
        "birth-date",
        re.compile(r"(?i)\b(?:date of birth|born on|birth ?date|d\.?o\.?b\.?|geboren am)\W{1,4}[\w.,/ -]{0,12}\d{2,4}"),
    ),
    Kind(
        "health",
        re.compile(
            r"(?i)\b(?:(?:my|his|her|their|patient'?s?)\s+(?:\w+\s+)?(?:diagnos[ie]s|medication|prescription|therapy"
            r"|symptoms|hiv status|blood pressure|pregnancy|depression|cancer)"
            r"|(?:i|he|she|patient)\s+(?:was|is|has been|am)\s+diagnosed\s+with)\b"
        ),
    ),
)


def scan(text: str) -> list[Finding]:
    """All personal data in the text, in order."""
    found = [
        Finding(kind.name, text.count("\n", 0, match.start()) + 1, *match.span())
        for kind in KINDS
        for match in kind.pattern.finditer(text)
        if kind.holds is None or kind.holds(match[0])
    ]
    return sorted(found, key=lambda row: (row.start, row.end))
