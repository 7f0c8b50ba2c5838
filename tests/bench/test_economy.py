import json
import subprocess
from pathlib import Path

import httpx
import jsonschema
import pytest

from bench import tokens
from bench.economy import CONVERSATION, figures, report
from bench.economy.answers import json_of, text_of
from bench.economy.director import Spent, does_itself, with_rereading
from bench.economy.jobs import Job, answer_of, edits_of, load, patch_of
from bench.economy.project import SHOWN, git, numbered
from bench.economy.runs import Run, best_of
from bench.economy.service import running

TEXT = "\n".join(
    f"{number}. The parcel came late, and `name_{number}` is what it was sent under." for number in range(200)
)
CODE = (
    "\n\n".join(f"class A{number}:\n    def f{number}(self):\n        return {number}" for number in range(60)) + "\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    for name, text in {"notes/a.md": TEXT, "code.py": CODE}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    return place


def job(**given: object) -> Job:
    return Job(**{"name": "j", "kind": "k", "tool": "t", "prompt": "p", "tokens": 60, "answer": "Yes."} | given)  # pyright: ignore[reportArgumentType]


def spent(*requests: tuple[int, int], tier: str = "free") -> Spent:
    return Spent(list(requests), tier=tier)


def run(*spents: Spent, name: str = "ours", listing: int = 100, free: int = 1_000) -> Run:
    return Run(name=name, listing=listing, spent=list(spents), free=[free for _ in spents])


# --- The table -------------------------------------------------------------------------------------------------------


def test_there_are_40_jobs_of_different_names_and_no_file_is_read_for_two_of_them() -> None:
    jobs = load()
    read = [entry.partition(":")[0] if entry[:4] != "git:" else entry for one in jobs for entry in set(one.files)]
    saved = [one.save_to for one in jobs if one.save_to]
    assert len({one.name for one in jobs}) == len(jobs) == 40
    assert sorted(set(read)) == sorted(read)
    assert sorted(set(saved)) == sorted(saved)


def test_a_follow_up_follows_a_job_before_it_with_the_same_tool() -> None:
    seen: dict[str, Job] = {}
    for one in load():
        assert not one.follows or seen[one.follows].tool == one.tool
        seen[one.name] = one


def test_json_is_asked_for_with_a_schema_and_in_words() -> None:
    for one in load():
        assert (one.form == "json") == bool(one.schema) == bool(one.fields), one.name


def test_a_short_answer_is_as_long_as_its_row_says() -> None:
    for one in load():
        if one.answer:
            assert tokens.count(one.answer) == one.tokens, one.name


# --- Answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [10, 150, 1_000, 6_000])
def test_a_made_text_has_the_tokens_that_were_asked_for(project: Path, length: int) -> None:
    assert tokens.count(text_of(project, ("notes/a.md",), length)) == pytest.approx(length, rel=0.05, abs=3)


def test_made_json_meets_its_schema_and_grows_to_its_length(project: Path) -> None:
    for name in ("bleach", "httpcore", "zc_buildout"):
        (project / f"notes/{name}.md").write_text(TEXT, encoding="utf-8")
    for one in load():
        if one.form == "json":
            made = json_of(project, one.schema, one.tokens)
            jsonschema.validate(json.loads(made), one.schema)
            assert one.schema["type"] == "object" or tokens.count(made) == pytest.approx(one.tokens, rel=0.1)


def test_a_made_patch_is_one_that_git_applies_and_its_edits_say_the_same(project: Path) -> None:
    edits = edits_of(project, "code.py", 300)
    patch = patch_of("code.py", edits)
    subprocess.run(["git", "-C", str(project), "apply", "-"], input=patch, text=True, check=True)
    edited = CODE
    for edit in edits:
        assert edited.count(edit.old) == 1
        edited = edited.replace(edit.old, edit.new)
    assert (project / "code.py").read_text(encoding="utf-8") == edited
    assert tokens.count(patch) == pytest.approx(300, rel=0.2)


# --- What the director spends ----------------------------------------------------------------------------------------


def test_a_call_counts_its_name_arguments_and_result_and_no_real_path(tmp_path: Path) -> None:
    one = Spent()
    one.call("Read", {"file_path": str(tmp_path / "a.py")}, f"in {tmp_path}", tmp_path)
    wrote = tokens.count(f'{{"name":"Read","arguments":{{"file_path":"{SHOWN}/a.py"}}}}')
    assert one.requests == [(wrote, tokens.count(f"in {SHOWN}"))]


def test_a_director_that_does_it_itself_reads_the_files_with_line_numbers_and_writes_the_answer(project: Path) -> None:
    alone = does_itself(job(files=("code.py", "notes/a.md:3-5")), project, 0)
    (_, code), (_, lines), written = alone.requests
    assert code == tokens.count(numbered(project, "code.py")) > tokens.count(CODE)
    assert numbered(project, "notes/a.md:3-5").startswith("3\t2. The parcel")
    assert lines == tokens.count(numbered(project, "notes/a.md:3-5"))
    assert written == (tokens.count("Yes."), 0)


def test_a_director_that_searches_reads_what_it_found_and_not_the_directory(project: Path) -> None:
    alone = does_itself(job(files=(".",), grep="def f7\\(", reads=("code.py:29-31",)), project, 0)
    found, read, _ = alone.requests
    assert found[1] == tokens.count("code.py:30:    def f7(self):\n") or found[1] < 30
    assert read[1] < 40


def test_what_is_to_be_a_file_is_written_once_and_a_patch_too(project: Path) -> None:
    saved = does_itself(job(save_to="x.md"), project, 0)
    patched = does_itself(job(files=("code.py",), form="patch", answer="", tokens=200), project, 0)
    assert len(saved.requests) == 1
    assert patched.requests[-1][0] >= tokens.count(
        answer_of(job(files=("code.py",), form="patch", answer="", tokens=200), project, 0)
    )
    assert len(patched.requests) == 2


def test_with_rereading_every_request_pays_for_all_before_it() -> None:
    assert with_rereading(100, [spent((1, 10), (2, 20)), spent((3, 30))]) == (100 + 1) + (111 + 2) + (133 + 3)


def test_of_another_server_the_director_does_itself_what_is_cheaper_so_but_no_follow_up_of_what_it_did_not_read() -> (
    None
):
    jobs = [job(name="a"), job(name="b"), job(name="c", follows="a"), job(name="d", follows="b"), job(name="e")]
    theirs = run(spent((9, 0)), spent((50, 0)), spent((8, 0)), spent((8, 0)), spent((5, 5)), name="theirs")
    best_of(theirs, jobs, [spent((20, 0)), spent((20, 0)), spent((2, 0)), spent((2, 0)), spent((30, 0))])
    assert [one.total for one in theirs.spent] == [9, 20, 8, 2, 10]
    assert theirs.by_itself == 2


# --- Figures ---------------------------------------------------------------------------------------------------------


def test_the_list_is_paid_for_once_a_conversation() -> None:
    mine = run(*(spent((10, 10)) for _ in range(20)), listing=100)
    assert (mine.per_job(1), mine.per_job(10), mine.per_job(20)) == (120, 30, 25)


def test_only_free_and_local_tiers_count_as_free() -> None:
    mine = run(spent((10, 10)), spent((10, 10), tier="paid"), spent((10, 10), tier="local"), listing=400, free=1_000)
    director = 3 * 400 / 10 + 60
    assert mine.not_free_percent(10) == pytest.approx(100 * (1 - 2_000 / (3_000 + director)))


def test_a_server_that_could_not_run_is_told_with_its_reason_and_judged_by_nothing() -> None:
    mine = run(*(spent((10, 10)) for _ in range(20)))
    alone = [spent((1_000, 1_000)) for _ in range(20)]
    dead = Run(name="other", why_not="pip could not install it")
    made = {figure.name: figure for figure in figures(alone, mine, [dead])}
    itself = made["40 jobs: director's tokens beside doing it itself"]
    assert made["40 jobs: director's tokens beside other"].met is None
    assert "pip could not install it" in made["40 jobs: director's tokens beside other"].note
    assert itself.ratio == pytest.approx(mine.per_job(CONVERSATION) / 2_000)
    assert itself.met is True


def test_a_job_of_ours_that_failed_is_a_missed_target() -> None:
    mine = run(spent((10, 10)))
    mine.failed = ["a: no model"]
    assert figures([spent((1_000, 0))], mine, [])[-1].met is False


def test_tables_go_between_their_marks_and_a_missing_mark_is_an_error() -> None:
    page = "x\n<!-- economy:kinds -->\nold\n<!-- /economy -->\ny"
    assert report.put(page, {"kinds": "| new |"}) == "x\n<!-- economy:kinds -->\n| new |\n<!-- /economy -->\ny"
    with pytest.raises(ValueError, match="economy:parts"):
        report.put(page, {"parts": ""})


def test_the_page_has_the_marks_of_all_tables() -> None:
    page = Path(__file__).parents[2] / "docs" / "economy.md"
    jobs, mine = [job(kind="a"), job(kind="search")], run(spent((1, 2)), spent((3, 4)))
    made = report.tables(jobs, [spent((100, 0)), spent((50, 0))], [mine])
    assert "| a | 1 | 100 | 3 | 1,000 |" in report.put(page.read_text(encoding="utf-8"), made)


# --- The stand-in ----------------------------------------------------------------------------------------------------


def test_the_stand_in_says_what_it_is_told_to_in_order_and_counts_texts() -> None:
    with running() as service:
        service.say("one", "two and more")
        asked = {"model": "m", "messages": [{"role": "user", "content": "hello world"}]}
        with httpx.Client(base_url=service.address) as client:
            first = client.post("/v1/chat/completions", json=asked).json()
            streamed = client.post("/v1/chat/completions", json=asked | {"stream": True}).text
            local = client.post("/api/chat", json=asked).json()
    assert first["choices"][0]["message"]["content"] == "one"
    assert streamed.endswith("data: [DONE]\n\n")
    assert local["message"]["content"] == "two and more"
    assert (service.requests, service.heard) == (3, 6)
    assert service.said == tokens.count("one") + 2 * tokens.count("two and more")
