import re

from delegate_mcp.domain.errors import ErrorKind
from tests.fakes.faults import page


def test_the_page_says_what_the_code_does() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.filled(text), "run `python -m tests.fakes.faults`"
    assert set(re.findall(r"<!-- made:([\w-]+) -->", text)) == set(page.TABLES)


def test_every_kind_has_its_row() -> None:
    told = re.findall(r"(?m)^\| `(\w+)` \|", page.kinds())
    assert told == [kind.value for kind in ErrorKind]
