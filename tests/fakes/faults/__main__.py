"""Writes the tables of docs/failure.md: `python -m tests.fakes.faults`."""

from tests.fakes.faults.page import PAGE, filled

if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
