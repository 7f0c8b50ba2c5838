"""What the `files` parameter reads, in which order, and what it refuses."""

import os
import sys
from pathlib import Path

import pytest

from delegate_mcp.config.settings import FileSettings
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.intake.encoding import decode
from delegate_mcp.intake.files import FilesRead, read_files
from delegate_mcp.intake.sandbox import Roots

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
BINARY = b"\x7fELF\x02\x01\x01\0\0\0"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for path, text in {
        "README.md": "read me\n",
        "src/a.py": "a = 1\n",
        "src/deep/b.py": "b = 2\n",
        "src/deep/c.ts": "let c\n",
        "src/.hidden/d.py": "d",
        "src/node_modules/e.py": "e",
        "app/[id]/page.tsx": "page",
        ".github/ci.yml": "ci",
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.py").write_text("secret")
    return project


def read(project: Path, *names: str, roots: tuple[Path, ...] = (), limits: FileSettings | None = None) -> FilesRead:
    fence = Roots((project, *roots), project.parent / "home")
    return read_files(names, roots=fence, limits=limits or FileSettings())


def paths(found: FilesRead) -> list[str]:
    return [file.path for file in found.manifest]


def test_no_files_are_no_text(project: Path) -> None:
    assert read(project) == FilesRead()


def test_each_file_stands_between_marks_that_name_it_in_the_given_order(project: Path) -> None:
    found = read(project, "src/a.py", "README.md")
    assert found.text == ('<file path="src/a.py">\na = 1\n</file>\n\n<file path="README.md">\nread me\n</file>')
    assert found.notes == ()


def test_the_manifest_says_what_was_sent_and_how_much(project: Path) -> None:
    (file,) = read(project, "src/a.py").manifest
    assert (file.path, file.chars) == ("src/a.py", 6)
    assert file.tokens == estimate_tokens('<file path="src/a.py">\na = 1\n</file>')


def test_a_file_named_twice_is_sent_once(project: Path) -> None:
    assert paths(read(project, "src/a.py", "./src/../src/a.py", "src/*.py", str(project / "src/a.py"))) == ["src/a.py"]


def test_globs_find_files_at_any_depth_sorted_and_pass_by_hidden_and_foreign_directories(project: Path) -> None:
    assert paths(read(project, "src/**/*.py")) == ["src/a.py", "src/deep/b.py"]
    assert paths(read(project, "**/*.py", "*.md")) == ["src/a.py", "src/deep/b.py", "README.md"]
    assert paths(read(project, "src/**")) == ["src/a.py", "src/deep/b.py", "src/deep/c.ts"]
    assert paths(read(project, "src/**/**/b.py")) == ["src/deep/b.py"]
    assert paths(read(project, "src/*/?.[pt]*")) == ["src/deep/b.py", "src/deep/c.ts", "src/node_modules/e.py"]


def test_a_pattern_that_names_a_hidden_directory_reaches_into_it(project: Path) -> None:
    assert paths(read(project, "src/.hidden/*.py")) == ["src/.hidden/d.py"]
    assert paths(read(project, ".github/**/*.yml")) == [".github/ci.yml"]


def test_braces_are_alternatives(project: Path) -> None:
    assert paths(read(project, "src/deep/*.{ts,py}")) == ["src/deep/c.ts", "src/deep/b.py"]
    assert paths(read(project, "{README.md,src/a.py}")) == ["README.md", "src/a.py"]


def test_a_file_whose_name_holds_wildcards_is_itself(project: Path) -> None:
    assert paths(read(project, "app/[id]/page.tsx")) == ["app/[id]/page.tsx"]


def test_absolute_globs_and_further_roots(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("x")
    shown = (other / "x.txt").as_posix()
    assert paths(read(project, f"{other}/*.txt", roots=(other,))) == [shown]
    assert paths(read(project, "*.txt", roots=(other,))) == [shown]


def test_a_glob_without_a_match_is_refused(project: Path) -> None:
    with pytest.raises(InputError, match=r"src/\*\.rs matches no file"):
        read(project, "src/*.rs")


@pytest.mark.parametrize("pattern", ["../outside/*.py", "src/../../outside/*"])
def test_a_glob_outside_the_roots_is_refused(project: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="outside"):
        read(project, pattern)


def test_a_glob_with_too_many_alternatives_is_refused(project: Path) -> None:
    with pytest.raises(InputError, match="alternatives"):
        read(project, "{a,b}" * 7)


def test_a_missing_file_is_refused_with_the_nearest_name(project: Path) -> None:
    with pytest.raises(InputError, match=r"src/aa\.py is not there\. Is src/a\.py meant\?"):
        read(project, "src/aa.py")
    with pytest.raises(InputError, match=r"Is src/deep/b\.py meant\?"):
        read(project, "b.py")
    with pytest.raises(InputError, match="Paths are relative to"):
        read(project, "nothing/like/it.xyz")


def test_a_suggestion_never_names_a_credential_file(project: Path) -> None:
    (project / "src" / "server.pem").write_text("KEY")
    with pytest.raises(InputError) as caught:
        read(project, "src/server.pe")
    assert "server.pem" not in str(caught.value)


def test_a_binary_file_is_refused(project: Path) -> None:
    (project / "program").write_bytes(BINARY)
    with pytest.raises(InputError, match=r"program is binary, not text"):
        read(project, "program")


@posix_only
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(project: Path) -> None:
    (project / "src/a.py").chmod(0)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read(project, "src/a.py")


@posix_only
def test_a_fifo_is_refused_and_holds_nobody_up(project: Path) -> None:
    assert sys.platform != "win32"
    os.mkfifo(project / "pipe")
    with pytest.raises(InputError, match="no regular file"):
        read(project, "pipe")


@posix_only
def test_links_out_of_the_roots_are_refused_by_name_and_left_out_of_globs(project: Path, tmp_path: Path) -> None:
    (project / "src" / "link.py").symlink_to(tmp_path / "outside" / "secret.py")
    (project / "src" / "dir").symlink_to(tmp_path / "outside")
    (project / "src" / "round").symlink_to(project)
    with pytest.raises(InputError, match="outside"):
        read(project, "src/link.py")
    with pytest.raises(InputError, match="outside"):
        read(project, "src/dir/*.py")
    found = read(project, "src/**/*.py")
    assert paths(found) == ["src/a.py", "src/deep/b.py"]
    assert "secret" not in found.text
    assert found.notes == ("1 file left out: src/link.py (outside, or holds credentials)",)


def test_of_a_globs_matches_what_cannot_be_sent_is_left_out_and_told(project: Path) -> None:
    (project / "src" / "logo.png").write_bytes(PNG)
    (project / "src" / "big.txt").write_text("x" * 101)
    (project / "src" / "tls.key").write_text("KEY")
    found = read(project, "src/*", limits=FileSettings(max_file_bytes=100))
    assert paths(found) == ["src/a.py"]
    (note,) = found.notes
    told, _, left_out = note.partition(": ")
    assert told == "3 files left out"
    assert set(left_out.split("; ")) == {
        "src/tls.key (outside, or holds credentials)",
        "src/big.txt (is larger than 100 bytes)",
        "src/logo.png (is an image: to have it seen name it, or *.png and the like)",
    }


def test_a_glob_of_which_nothing_can_be_sent_is_refused(project: Path) -> None:
    (project / "src" / "logo.bin").write_bytes(BINARY)
    with pytest.raises(InputError, match=r"Nothing that src/\*\.bin matches can be sent: src/logo\.bin"):
        read(project, "src/*.bin")


def test_a_file_above_the_size_limit_is_refused_with_the_setting(project: Path) -> None:
    (project / "big.txt").write_text("x" * 101)
    with pytest.raises(InputError, match=r"big\.txt is larger than 100 bytes.*files\.max_file_bytes"):
        read(project, "big.txt", limits=FileSettings(max_file_bytes=100))


def test_files_too_large_together_are_refused_with_the_setting(project: Path) -> None:
    with pytest.raises(InputError, match=r"src/a\.py.*files\.max_total_bytes"):
        read(project, "README.md", "src/a.py", limits=FileSettings(max_total_bytes=10))


@posix_only
def test_a_huge_sparse_file_is_refused_without_being_read(project: Path) -> None:
    with (project / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match="larger than"):
        read(project, "huge")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("grün €\n".encode(), "grün €\n"),
        ("grün".encode("utf-8-sig"), "grün"),
        ("grün".encode("utf-16"), "grün"),
        (b"\xfe\xff" + "grün".encode("utf-16-be"), "grün"),
        ("grün".encode("utf-32"), "grün"),
        ("Ärger mit Umlauten, 5 €".encode("cp1252"), "Ärger mit Umlauten, 5 €"),
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("plain, without a mark\n".encode("utf-16-le"), "plain, without a mark\n"),
        ("plain, without a mark\n".encode("utf-16-be"), "plain, without a mark\n"),
        *[
            (text.encode(encoding), text)
            for encoding, text in {
                "cp1251": "// Привет, мир: это комментарий\nint main() { return 0; }\n",
                "cp932": "これは日本語のテキストです。今日は天気がいいですね。",
                "euc_jp": "これは日本語のテキストです。今日は天気がいいですね。",
                "gb18030": "这是一个中文文本文件。用于测试编码检测。今天天气很好。",
                "big5": "這是一個中文文本文件。用於測試編碼檢測。",
                "cp949": "이것은 한국어 텍스트 파일입니다. 오늘 날씨가 좋습니다.",
                "cp1252": "El niño comió piñas en la mañana, ¿verdad? // größe",
            }.items()
        ],
        (b"", ""),
    ],
)
def test_text_of_the_usual_encodings_is_read(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    "data", [PNG, b"text\0text", b"\xff\xfe\x00\xd8", bytes(range(128, 256)), b"ab\x01\xe4", b"a" * 20 + b"\x81"]
)
def test_what_is_not_plainly_text_is_binary(data: bytes) -> None:
    assert not isinstance(decode(data), str)


@posix_only
def test_a_name_cannot_break_out_of_its_mark(project: Path) -> None:
    (project / 'x"><y.txt').write_text("hi")
    assert read(project, 'x"><y.txt').text.startswith('<file path="x&quot;&gt;&lt;y.txt">\nhi')
