"""The loop with a device that is made up: drift, throttling, outliers, edits, resumption. No clock has a part in it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from dse_harness.protocol import Failure, Request

from dse.backends import FakeDevice, RecordingBackend
from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.explanation import explain
from dse.core.session import Session
from dse.errors import MachineError
from dse.search.progress import Progress
from dse.spaces.load import load_space
from dse.study import Study
from tests.search.bench import Bench, accuracy, device, latency, phases


def configurations(points: Sequence[object]) -> set[object]:
    return {point.configuration for point in points}  # type: ignore[attr-defined]  # whatever has one


def lost(study: Study | Session) -> dict[int, str]:
    return {trial: found[0].word for trial, found in study.analysis.exclusions.reasons.items()}


def test_every_configuration_once_and_then_nothing(bench: Bench) -> None:
    study = bench.search(device())
    assert len(study.measurements) == len(configurations(study.measurements)) == 18
    again = bench.search(device())
    assert len([m for m in again.measurements if m.phase == "search"]) == 18


def test_throttled_trials_are_kept_left_out_and_measured_again(bench: Bench) -> None:
    undisturbed = bench.search(device(noise=0.0), study="undisturbed")
    study = bench.search(device(noise=0.0, throttled=lambda s: 10 <= s < 17))
    assert set(lost(study).values()) == {"throttled"}
    assert phases(study).count("repeat") >= 3
    assert configurations(study.analysis.front) == configurations(undisturbed.analysis.front)
    trial = next(iter(lost(study)))
    assert trial not in {t for point in study.analysis.front for t in point.trials}


def test_a_changed_governor_and_foreign_load_are_seen(bench: Bench) -> None:
    study = bench.search(
        device(governor=lambda s: "powersave" if 9 < s < 15 else "performance", foreign_cores=lambda s: 1.5 * (s > 29))
    )
    assert {"governor", "foreign load"} <= set(lost(study).values())


def test_a_governor_that_was_changed_for_good_is_the_usual_one_and_what_ran_before_is_measured_again(
    bench: Bench,
) -> None:
    before = bench.search(device(noise=0.0, governor=lambda _: "powersave"), Budget(trials=4))
    assert phases(before) == ["search"] * 4
    study = bench.search(device(noise=0.0))
    assert phases(study)[4:9] == ["reference", "reference", "repeat", "repeat", "repeat"]
    assert lost(study) == dict.fromkeys(range(4), "governor")
    assert len(study.analysis.estimates) == 18


def test_the_reference_goes_on_after_an_edit(bench: Bench) -> None:
    """A parameter at its default makes the reference configuration another configuration, a longer run another
    experiment."""
    fake = device(noise=0.0, drift=lambda s: 1.5 if 20 <= s < 24 else 1.0)
    bench.search(fake, Budget(trials=10))
    path = bench.folder / "space.yaml"
    path.write_text(path.read_text().replace("  threads:", "  delegate: [xnnpack]\n  threads:"))
    study = bench.search(fake)
    assert "drift" in lost(study).values()
    path.write_text(path.read_text().replace("explore: {", "explore: {min_duration: 2s, "))
    after = bench.search(device(noise=0.0, drift=lambda _: 1.5))
    before = len(study.measurements)
    assert phases(after)[before:].count("reference") == 1
    assert max(lost(after)) < before


def test_threads_without_effect_are_not_tried_again(bench: Bench) -> None:
    study = bench.search(device(useful_threads=1))
    assert set(lost(study).values()) == {"threads"}
    assert len(study.measurements) == 18
    configuration = next(m.configuration for m in study.measurements if m.configuration["threads"] == 3)
    assert explain(study.analysis, configuration).verdict == "excluded"


def test_strict_stops_and_loses_nothing(bench: Bench) -> None:
    with pytest.raises(MachineError, match="is excluded: the device says"):
        bench.explore(device(throttled=lambda s: s > 7), strict=True)
    study = Study.read(bench.folder / "study")
    assert len(study.measurements) == 4
    assert len(bench.explore(device()).measurements) > 18


def test_a_slow_spell_is_found_by_the_reference_and_measured_again(bench: Bench) -> None:
    """The device runs 1.5 times slower for a while and does not say so; the trials before the reference configuration
    are doubted."""
    slow = device(noise=0.005, drift=lambda s: 1.5 if 26 <= s < 44 else 1.0)
    study = bench.search(slow, Budget(device_s=1e9), confirm=True)
    assert "drift" in lost(study).values()
    truth = {m.configuration: latency(bench.requests[m.trial]) for m in study.measurements}
    for point in study.analysis.front:
        assert point.values["latency_p90_ns"] == pytest.approx(truth[point.configuration] * 1.06, rel=0.05)


def test_confirming_repeats_the_open_ones_and_outliers_do_not_matter(bench: Bench) -> None:
    exact = bench.search(device(noise=0.0), study="exact")
    study = bench.search(device(noise=0.01, outlier_every=9), Budget(device_s=1e9), confirm=True)
    assert "confirm" in phases(study)
    on_front = configurations(study.analysis.front)
    assert on_front == configurations(exact.analysis.front)
    known = study.analysis  # repeats settle latencies; the accuracies stay those of 500 of 10,000 images
    assert "off" not in {
        s for e, s in zip(known.estimates, known.verdicts.standings, strict=True) if e.configuration in on_front
    }
    assert all(each.images > 1 or each.hopeless for each in known.verdicts.undecided)


def test_a_resumed_study_measures_its_reference_first(bench: Bench) -> None:
    before = bench.explore(device(), Budget(trials=4))
    assert phases(before) == ["search"] * 4
    after = bench.explore(device(), Budget(trials=2))
    assert phases(after)[4:] == ["reference", "search", "search"]
    assert after.measurements[4].configuration == before.measurements[0].configuration


def test_a_stopped_study_goes_on_as_an_uninterrupted_one(bench: Bench) -> None:
    whole = bench.explore(device(noise=0.0), Budget(trials=9), study="whole")
    for _ in range(3):
        parts = bench.explore(device(noise=0.0), Budget(trials=3), study="parts")
    assert [m.configuration for m in parts.measurements if m.phase == "search"] == [
        m.configuration for m in whole.measurements
    ]


def test_edits_of_the_space_keep_what_is_known(bench: Bench) -> None:
    bench.write("[1, 2]")
    bench.search(device())
    bench.write("[2, 3]")
    study = bench.search(device())
    searched = [m.configuration for m in study.measurements if m.phase == "search"]
    assert len(searched) == len(set(searched)) == 18


def test_infeasible_configurations_are_tried_once(bench: Bench) -> None:
    def refuse(request: Request) -> Failure | None:
        return Failure("delegate_refused", "no plan") if request.runtime.threads == 2 else None

    study = bench.search(device(failure=refuse))
    assert len(study.measurements) == 18
    configuration = next(m.configuration for m in study.measurements if m.configuration["threads"] == 2)
    assert explain(study.analysis, configuration).verdict == "infeasible"


def test_a_warm_start_comes_first(bench: Bench) -> None:
    space = load_space(bench.folder / "space.yaml")
    wanted = list(space.tree.configurations())[7:9]
    study = bench.search(device(), Budget(trials=3), first=wanted)
    assert [m.configuration for m in study.measurements][:2] == wanted


def test_a_study_replays_against_its_own_trials(bench: Bench) -> None:
    recorded = bench.explore(device())
    again = bench.explore(RecordingBackend(recorded.folder / "trials"), study="again")
    assert [p.values for p in again.analysis.front] == [p.values for p in recorded.analysis.front]


def test_a_study_replays_in_another_order_too(bench: Bench) -> None:
    """Then other trials are the first of their model: the recorded accuracy is theirs, whichever trial ran it."""
    recorded = bench.explore(device(), seed=0)
    again = bench.explore(RecordingBackend(recorded.folder / "trials"), study="again", seed=5)
    assert [m.configuration for m in again.measurements] != [m.configuration for m in recorded.measurements]
    assert all("accuracy" in m.values for m in again.measurements)
    assert [p.values for p in again.analysis.front] == [p.values for p in recorded.analysis.front]


def test_device_time_is_the_budget(bench: Bench) -> None:
    seen: list[Progress] = []
    bench.search(device(), Budget(device_s=1e-9), observe=seen.append)
    assert seen[-1].done == 1


MODELS = "[48, 64, 96, 128]\n  precision: [float32, float16, int8, int8_dynamic, int8_weight_only]"


def test_only_who_may_be_on_the_front_gets_more_images(bench: Bench) -> None:
    bench.write("[1]", sides="[48, 64, 96]\n  precision: [float32, float16, int8]", images=10_000)

    def unrelated(request: Request) -> float:
        """To the latency: most models are dominated, some by little."""
        return 0.5 + int(request.model_sha256[2:4], 16) / 640

    fake = FakeDevice(latency, unrelated, noise=0.0)
    study = bench.search(fake, Budget(device_s=1e9), confirm=True)
    found, analysis = {p.configuration: p for p in study.analysis.front}, study.analysis
    assert {p.accuracy.total for p in found.values() if p.accuracy} == {10_000}
    counted = {e.configuration: e.accuracy.total for e in analysis.estimates if e.accuracy}
    left_alone = [configuration for configuration, total in counted.items() if total <= 625]
    assert len(left_alone) > len(counted) / 4
    requests = {m.configuration: bench.requests[m.trial] for m in study.measurements}
    exact = {c: (unrelated(request), latency(request)) for c, request in requests.items()}
    for configuration in left_alone:
        a, latency_ns = exact[configuration]
        assert any(b > a and other <= latency_ns for b, other in exact.values())


def test_where_no_time_ends_it_the_accuracies_of_the_front_are_completed(bench: Bench) -> None:
    bench.write("[1, 2, 3]", images=10_000)
    study = bench.search(device(), Budget(trials=3))
    assert phases(study)[:3] == ["search"] * 3
    assert phases(study).count("search") == 3
    assert {m.response.accuracy.total for m in study.measurements[:1] if m.response.accuracy} == {64}  # a slow model
    assert {p.accuracy.total for p in study.analysis.front if p.accuracy} == {10_000}


def test_a_fast_model_has_all_images_at_once(bench: Bench) -> None:
    bench.write("[1, 2, 3]", images=10_000)
    study = bench.search(FakeDevice(lambda r: latency(r) / 1000, accuracy), Budget(trials=3))
    assert {m.accuracy.total for m in study.measurements if m.accuracy} == {10_000}
    assert phases(study) == ["search"] * 3


def test_who_answers_otherwise_gets_an_accuracy_of_its_own(bench: Bench) -> None:
    """With three threads the made-up runtime is wrong about one image in ten."""

    def worse(request: Request) -> float:
        return accuracy(request) * (0.9 if request.runtime.threads == 3 else 1.0)

    study = bench.search(FakeDevice(latency, worse, noise=0.0, answers=lambda r: r.runtime.threads == 3))
    analysis = study.analysis
    assert len(analysis.known) == 18
    threads_of = {m.trial: m.configuration["threads"] for m in study.measurements}
    assert analysis.differing
    for trial, other in analysis.differing.items():
        assert (threads_of[trial] == 3) != (threads_of[other] == 3)
    for known in analysis.known:
        expected = worse(bench.requests[known.trials[0].trial])
        assert [m.values["accuracy"] for m in known.good] == pytest.approx([expected] * len(known.good), abs=1e-3)
    ran = [m.trial for m in study.measurements if m.response.accuracy]
    assert len(ran) == 6
    first = min(analysis.differing)
    configuration = next(m.configuration for m in study.measurements if m.trial == first)
    assert first in (explain(analysis, configuration).differing or {})


def test_repeats_of_a_configuration_are_not_spot_checked_again(bench: Bench) -> None:
    study = bench.search(device(noise=0.01), Budget(device_s=1e9), confirm=True)
    checked = [m.configuration for m in study.measurements if m.response.spot_check and not m.response.accuracy]
    assert len(checked) == len(set(checked))
    assert configurations(study.measurements) == configurations(
        [m for m in study.measurements if m.response.spot_check]
    )


def test_explanations(bench: Bench) -> None:
    study = bench.search(device(noise=0.0))
    analysis = study.analysis
    verdicts = {m.trial: explain(analysis, m.configuration) for m in study.measurements}
    on_front = configurations(study.analysis.front)
    for found in verdicts.values():
        assert (found.verdict == "front") == (found.configuration in on_front)
        if found.verdict == "dominated":
            assert found.margins is not None
            assert min(found.margins.values()) >= 0 < max(found.margins.values())
    assert explain(analysis, Configuration({"side": 1})).verdict == "unmeasured"
