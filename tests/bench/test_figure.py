import pytest

from bench.figure import Figure, in_readme, table


def test_a_ratio_is_judged_against_what_was_measured_beside_it() -> None:
    slow = Figure(name="start", unit="ms", ours=575, reference=500, reference_name="bare", judged="ratio", at_most=1.14)
    quick = Figure(
        name="start", unit="ms", ours=565, reference=500, reference_name="bare", judged="ratio", at_most=1.14
    )
    assert (slow.met, quick.met) == (False, True)


def test_a_difference_is_judged_by_what_is_added() -> None:
    figure = Figure(name="call", unit="ms", ours=7.5, reference=2.0, judged="difference", at_most=5)
    assert figure.difference == pytest.approx(5.5)
    assert figure.met is False


def test_a_figure_without_a_target_is_neither_met_nor_missed() -> None:
    assert Figure(name="echo", unit="ms", ours=1).met is None


def test_a_target_on_a_ratio_that_could_not_be_taken_is_not_met() -> None:
    assert Figure(name="start", unit="ms", ours=1, judged="ratio", at_most=1.15).met is False


def test_the_table_shows_ours_beside_the_other_with_target_and_verdict() -> None:
    figures = [
        Figure(name="tools/list", unit="tokens", ours=910, at_most=900, note="o200k"),
        Figure(name="call", unit="ms", ours=4.25, reference=2, reference_name="direct", judged="difference", at_most=5),
    ]
    lines = table(figures).splitlines()
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        "tools/list",
        "910 tokens",
        "-",
        "-",
        "<= 900 tokens",
        "NO",
    ]
    assert [cell.strip() for cell in lines[3].strip("|").split("|")] == [
        "call",
        "4.25 ms",
        "2 ms (direct)",
        "+2.25 ms",
        "<= 5 ms more",
        "yes",
    ]
    assert lines[-1] == "- tools/list: o200k"


def test_the_readmes_numbers_are_replaced_and_nothing_else() -> None:
    readme = "before\n<!-- numbers -->\nold\n<!-- /numbers -->\nafter\n"
    filled = in_readme(readme, [Figure(name="echo", unit="ms", ours=1.5)])
    assert filled.startswith("before\n<!-- numbers -->\n| figure | ours |")
    assert filled.endswith("| echo | 1.50 ms | - | - | - | - |\n<!-- /numbers -->\nafter\n")
    again = in_readme(filled, [Figure(name="call", unit="ms", ours=2), Figure(name="echo", unit="ms", ours=3)])
    assert "| echo | 3 ms |" in again
    assert again.index("| echo |") < again.index("| call |")
    assert again.count("| figure |") == 1
    with pytest.raises(ValueError, match="numbers"):
        in_readme("no marks", [])
