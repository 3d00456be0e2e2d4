"""What figures say of their rounds."""

import json

import pytest

from benchmarks import report
from benchmarks.figures import Findings, percentile, ratios


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(number) for number in range(400, 0, -1)]

    assert [percentile(values, percent) for percent in (50, 99, 100)] == [200, 396, 400]
    assert percentile([7.0], 99) == 7.0


def test_ratios_pair_rounds_and_refuse_odd_ones() -> None:
    assert ratios([6.0, 10.0], [2.0, 4.0]) == [3.0, 2.5]
    with pytest.raises(ValueError):
        ratios([6.0, 10.0], [2.0])


def test_a_figure_is_judged_by_its_median() -> None:
    findings = Findings()
    findings.add("suite", "kept", "x", [3.0, 9.0, 4.0], budget=4)
    findings.add("suite", "missed", "x", [3.0, 9.0, 4.1], budget=4)
    findings.add("suite", "free", "/s", [1.0])

    assert [figure.is_within_budget for figure in findings.figures] == [True, False, None]


def test_a_suite_that_measured_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="was not measured"):
        Findings().add("suite", "turns", "/s", [])


def test_table_and_json_say_the_same(
    tmp_path: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    findings = Findings()
    findings.add("generation", "codes / COPY", "x", [2.0, 5.0, 6.0], budget=4, digits=2)
    findings.remark("Something to know.")

    report.print_table(findings)
    path = report.write_json(findings, about={"quick": False})

    line = next(line for line in capsys.readouterr().out.splitlines() if "codes / COPY" in line)
    assert line.split() == ["codes", "/", "COPY", "x", "5.00", "2.00", "6.00", "3", "<=", "4", "MISSED"]
    written = json.loads(path.read_text())
    assert written == json.loads((path.parent / "latest.json").read_text())
    figure = written["figures"][0]
    assert (figure["median"], figure["values"], figure["within_budget"]) == (5.0, [2.0, 5.0, 6.0], False)
    assert written["remarks"] == ["Something to know."]
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []
