"""Documents as text, and what is said of those that cannot be read."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from pptx import Presentation
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.intake import convert, documents
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.sandbox import Roots
from delegate_mcp.intake.unfit import Unfit

WORDS = "The invoice is due on Friday"


def pdf(text: str = WORDS, password: str = "") -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(300, 300)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})  # pyright: ignore[reportPrivateUsage]
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    drawn = DecodedStreamObject()
    drawn.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode() if text else b"")
    page[NameObject("/Contents")] = writer._add_object(drawn)  # pyright: ignore[reportPrivateUsage]
    if password:
        writer.encrypt(password, algorithm="AES-256")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def word() -> bytes:
    space = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{space}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{space}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{space}/wordprocessingml/2006/main"><w:body>'
        f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p></w:body></w:document>",
    }
    return zipped(**parts)


def zipped(**parts: str) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return made.getvalue()


def excel() -> bytes:
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "Dues"
    sheet.append([WORDS, 12, None])
    sheet.append([None, None, None])
    sheet.append(["Total", 24])
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def powerpoint() -> bytes:
    deck = Presentation()
    slide: Any = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = WORDS
    slide.notes_slide.notes_text_frame.text = "Smile"
    made = BytesIO()
    deck.save(made)
    return made.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def read(project: Path, *names: str, limits: FileSettings | None = None) -> FilesRead:
    return read_files(names, roots=Roots((project,), project.parent / "home"), limits=limits or FileSettings())


@pytest.mark.parametrize(
    ("name", "make", "text"),
    [
        ("a.pdf", pdf, WORDS),
        ("A.PDF", pdf, WORDS),
        ("a.docx", word, WORDS),
        ("a.xlsx", excel, f"## Dues\n{WORDS}\t12\nTotal\t24"),
        ("a.pptx", powerpoint, f"## Slide 1\n{WORDS}\nNotes: Smile"),
    ],
)
def test_a_document_is_sent_as_its_text(project: Path, name: str, make: Callable[[], bytes], text: str) -> None:
    (project / name).write_bytes(make())
    assert read(project, name).text == f'<file path="{name}">\n{text}\n</file>'


def test_lines_of_a_documents_text_can_be_asked_for(project: Path) -> None:
    (project / "a.xlsx").write_bytes(excel())
    assert read(project, "a.xlsx:3").text == '<file path="a.xlsx:3">\nTotal\t24\n</file>'


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.pdf", lambda: b"no pdf at all", "is broken"),
        ("a.pdf", lambda: b"%PDF-1.7\n" + b"\0\xff" * 500, "is broken"),
        ("a.pdf", lambda: pdf()[:200], "is broken"),
        ("a.pdf", lambda: pdf(password="letmein"), "has a password"),
        ("a.pdf", lambda: pdf(text=""), "holds no text"),
        ("a.docx", lambda: b"PK\x03\x04 and no more", "is broken"),
        ("a.docx", lambda: zipped(x="no document"), "is broken"),
        ("a.xlsx", lambda: b"\xd0\xcf\x11\xe0" + bytes(500), "has a password"),
        ("a.pptx", lambda: zipped(bomb="0" * 201_000_000), "unfolds to more"),
        ("a.doc", lambda: b"\xd0\xcf\x11\xe0" + bytes(500), "is of Office's format of before 2007"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused(
    project: Path, name: str, data: Callable[[], bytes], why: str
) -> None:
    (project / name).write_bytes(data())
    with pytest.raises(InputError, match=rf"{name} {why}"):
        read(project, name)


def test_in_a_directory_a_broken_document_is_left_out_and_told(project: Path) -> None:
    (project / "a.txt").write_text("text")
    (project / "b.pdf").write_bytes(b"broken")
    found = read(project, ".")
    assert [file.path for file in found.manifest] == ["a.txt"]
    assert found.notes[0].startswith("1 file left out: b.pdf (is broken")


def test_documents_have_a_limit_of_their_own(project: Path) -> None:
    (project / "a.pdf").write_bytes(pdf())
    assert WORDS in read(project, "a.pdf", limits=FileSettings(max_file_bytes=100)).text
    with pytest.raises(InputError, match=r"larger than 100 bytes.*files\.max_document_bytes"):
        read(project, "a.pdf", limits=FileSettings(max_document_bytes=100))
    with pytest.raises(InputError, match=r"more than 10 bytes of text"):
        read(project, "a.pdf", limits=FileSettings(max_file_bytes=10))


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_a_document_that_takes_too_long_is_given_up(seconds: float) -> None:
    refused = convert.text_of(Path("a.pdf"), pdf(), 1_000, seconds)
    assert isinstance(refused, Unfit)
    assert "takes too long to read" in refused.why


def test_without_the_extra_the_error_is_the_command_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['pypdf'] = None; sys.argv = ['documents', '.pdf']; "
        "from delegate_mcp.intake.documents import main; sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", program], input=pdf(), check=False, capture_output=True)
    assert "pip install 'delegate-mcp[documents]'" in convert.WHY[ended.returncode].advice
    assert ended.returncode == documents.MISSING
