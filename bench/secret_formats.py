"""Writes privacy/formats.json: the credential formats of betterleaks (MIT) that our own scanner looks for.

`python bench/secret_formats.py betterleaks.toml` with the configuration of a betterleaks release. Its expressions for
RE2 are written down for Python's `re`, of its filters the least entropy is kept, and what it calls generic is left out:
names with values are judged by `privacy/assignments.py`.
"""

import json
import re
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "src" / "delegate_mcp" / "privacy" / "formats.json"

OURS = re.compile(
    r"^(generic-|private-key$|jwt|curl-auth|hashicorp-tf-password|mongodb-connection|nuget-config|kubernetes-secret"
    r"|pypi-upload-token|stripe-access-token|sendgrid-|gitlab-(?!.*routable|session-cookie|incoming-mail-address))"
)
"""Kinds for which we have a detector of our own, or that need a file's path."""
END = r"""(?:\\?['"\x60]|[\s;]|\\[nr]|$)"""
"""How their expressions end a value: by a quote, a space or a semicolon."""
ANY_END = r"(?:[^\w+/=.%~-]|[.](?:\s|$)|$)"
"""How ours do: by any sign that no value is made of, since in prose a comma, a bracket or a full stop follows."""
POSIX = {"[:alnum:]": "A-Za-z0-9", "[:alpha:]": "A-Za-z", "[:digit:]": "0-9", "[:xdigit:]": "A-Fa-f0-9"}


def for_python(pattern: str) -> str:
    """An expression of RE2 as Python reads it: flags in the middle hold to the end of their group."""
    for name, signs in POSIX.items():
        pattern = pattern.replace(name, signs)
    pattern = pattern.replace(r"\z", r"\Z").replace(END, ANY_END)
    made: list[str] = []
    opened: list[int] = []  # per open group, how many flag groups were opened inside it
    in_class, place = False, 0
    opened.append(0)
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            made.append(pattern[place : place + 2])
            place += 2
            continue
        if in_class:
            in_class = sign != "]" or pattern[place - 1] == "[" or pattern[place - 2 : place] == "[^"
            made.append("\\[" if sign == "[" else sign)
        elif sign == "[":
            in_class = True
            made.append(sign)
        elif flags := re.match(r"\(\?(-?[ims]+)\)", pattern[place:]):
            made.append(f"(?{flags[1]}:")
            opened[-1] += 1
            place += len(flags[0])
            continue
        elif sign == "(":
            opened.append(0)
            made.append(sign)
        elif sign == ")":
            made.append(")" * opened.pop() + ")")
        else:
            made.append(sign)
        place += 1
    return "".join(made) + ")" * opened.pop()


def row(rule: dict[str, Any]) -> dict[str, Any]:
    """What we keep of a rule."""
    least = re.match(r'\s*entropy\(finding\["secret"\]\) <=? ([\d.]+)', rule.get("filter", ""))
    kept = {"kind": re.sub(r"\.\d+$", "", rule["id"]), "pattern": for_python(rule["regex"]), "words": rule["keywords"]}
    return kept | ({"entropy": float(least[1])} if least else {})


def main() -> None:
    rules = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["rules"]
    kept = [row(r) for r in rules if "regex" in r and not r.get("skipReport") and not OURS.match(r["id"])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for format_ in kept:
            re.compile(format_["pattern"].encode())
    lines = ",\n".join(json.dumps(format_) for format_ in kept)
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(kept)} of {len(rules)} rules")


if __name__ == "__main__":
    main()
