"""Figures for papers: what is drawn of a study, in which format, and what there is nothing to draw of."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import dse
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.figures import FORMATS, KINDS, plot, write_plot
from dse.study import Study
from tests.recording import RecordedHarness, fails, make_space, run_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Twelve configurations, all neighbours of one another."""
    folder = tmp_path_factory.mktemp("drawn")
    parameters: dict[str, Any] = {"side": [48, 64], "threads": [1, 2, 3], "delegate": ["xnnpack", "builtin"]}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(folder / "cache"))
        space = make_space(folder, parameters=parameters)
        run_study(folder / "study", space)
    return Study.read(folder / "study")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [3.4, 7.0])
def test_each_figure_has_the_width_and_is_written_in_each_format(
    study: Study, kind: str, width: float, tmp_path: Path
) -> None:
    figure = dse.plot(study, kind, width)
    assert figure.get_figwidth() == width
    for suffix, head in zip(FORMATS, (b"%PDF", b"<?xml", b"\x89PNG"), strict=True):
        path = tmp_path / f"figure{suffix}"
        write_plot(figure, path)
        assert path.read_bytes().startswith(head)


def test_the_same_study_makes_the_same_bytes_and_letters_stay_letters(study: Study, tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_plot(plot(study, "front"), tmp_path / f"{name}.svg")
        write_plot(plot(study, "front"), tmp_path / f"{name}.pdf")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "other.pdf").read_bytes()
    words = "".join(ET.parse(tmp_path / "one.svg").getroot().itertext())
    assert "p90 latency [ms], lower is better" in words


def test_the_history_ends_at_all_of_the_front(study: Study) -> None:
    axes = plot(study, "history").axes[0]
    line, rows = axes.lines
    shares = [float(share) for share in np.asarray(line.get_ydata())]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 100.0)
    assert float(np.asarray(line.get_xdata())[-1]) == sum(m.response.timing_s["total"] for m in study.measurements)
    assert len(rows.get_xdata()) == len(study.analysis.front)


def test_the_latencies_of_each_row_of_the_front_are_drawn(study: Study) -> None:
    axes = plot(study, "latency").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [str(p.trial) for p in study.analysis.front]


def test_lines_join_what_differs_in_one_parameter_alone(study: Study) -> None:
    axes = plot(study, "parameters").axes
    objectives = len(study.objectives)
    assert len(axes) == 3 * objectives
    rows = {axes[row * objectives].get_ylabel(): axes[row * objectives] for row in range(3)}
    assert set(rows) == {"side", "threads", "delegate"}
    joined = {name: sum(len(line.get_xdata()) == 2 for line in found.lines) for name, found in rows.items()}
    assert joined == {"side": 6, "threads": 8, "delegate": 6}  # of 2 x 3 x 2 configurations
    assert [label.get_text() for label in rows["threads"].get_yticklabels()] == ["1", "2", "3"]


def test_what_cannot_be_drawn_is_said(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="found 'pie', allowed: front, history, latency, parameters"):
        plot(study, "pie")
    with pytest.raises(UsageError, match="allowed: 1 to 100 inches"):
        plot(study, "front", 1e6)
    with pytest.raises(UsageError, match=r"allowed: a name that ends with \.pdf"):
        write_plot(plot(study, "front"), tmp_path / "figure.bmp")
    run_study(tmp_path / "failed", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    for kind in KINDS:
        with pytest.raises(NothingMeasuredError):
            plot(Study.read(tmp_path / "failed"), kind)
    run_study(tmp_path / "single", make_space(tmp_path), trials=1)
    single = Study.read(tmp_path / "single")
    with pytest.raises(NothingMeasuredError, match="the same level of every parameter"):
        plot(single, "parameters")
    assert np.asarray(plot(single, "history").axes[0].lines[0].get_ydata())[-1] == 100
