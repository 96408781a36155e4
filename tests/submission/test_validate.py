"""Plan, run and resume official runs with a harness that answers from recorded logs; and what preflight says before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from dse_harness.protocol import DataSetSpec, Failure, PerformanceSpec, Request, Response, RuntimeSpec, write

from dse.core.metrics import METRICS, Objective
from dse.core.origin import ModelOrigin
from dse.errors import MachineError, SubmissionError
from dse.submission.candidate import Candidate, without_repeats
from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.point import check_evidence, read_point, validated_points
from dse.submission.preflight import preflight
from dse.submission.readme import result_readme
from dse.submission.rounds import ROUNDS, Round
from dse.submission.validate import Plan, official_front, plan, run, stands_for
from tests.submission.good import copy_logs, recorded_response, requests, tflite

EXPLORED = {"accuracy": 0.5, "latency_p90_ns": 10_000_000.0}
OBJECTIVES = [Objective(METRICS.get(name), METRICS.get(name).direction) for name in ("accuracy", "latency_p90_ns")]


@dataclasses.dataclass
class RecordedHarness:
    """Answers each request with the recorded logs of a round, or as ``spoil`` says."""

    round_name: str = "v6.1"
    spoil: Callable[[Request, Response, Path], Response] = lambda _request, response, _folder: response
    asked: list[Request] = dataclasses.field(default_factory=list)
    is_deterministic = False
    provenance = None

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        self.asked.append(request)
        write(request, folder / "request.json")
        copy_logs(self.round_name, folder.name, folder / folder.name)
        response = self.spoil(request, recorded_response(request, self.round_name), folder)
        write(response, folder / "response.json")
        return response


def planned(candidates: list[Candidate], study: Path, round_: Round, duration_ms: int | None = None) -> Plan:
    return plan(candidates, study, round_, available_bytes=2**33, duration_ms=duration_ms)


@pytest.fixture
def candidate(tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(tflite())

    def make(trial: int = 3, buffer_size: int = 1024, images: int = 1200, threads: int = 1) -> Candidate:
        request, _ = requests(model, DataSetSpec("sleep", "/data/sleep.npz", "a" * 64))
        request = dataclasses.replace(
            request, performance=PerformanceSpec(buffer_size=buffer_size), runtime=RuntimeSpec(threads=threads)
        )
        response = recorded_response(request, "v6.1")
        origin = ModelOrigin("https://example.org/weights.tgz")
        return Candidate(
            trial, "tiny-int8", {"threads": threads}, request, response, origin, images, explored_values=EXPLORED
        )

    return make


def test_a_plan_says_how_long_it_takes(candidate, tmp_path):
    todo = planned([candidate(3), candidate(4, threads=2)], tmp_path, ROUNDS.get("v6.1"))
    assert todo.seconds == pytest.approx(2 * (600 + 5 + 1200 * 0.010308355 + 5), rel=1e-3)
    assert [step.done for step in todo.steps] == [False, False]
    assert planned([candidate()], tmp_path, ROUNDS.get("v6.1"), duration_ms=20_000).seconds < 60


def test_both_runs_are_recorded_with_their_evidence(candidate, tmp_path):
    harness = RecordedHarness()
    seen = []
    (outcome,) = run(planned([candidate()], tmp_path, ROUNDS.get("v6.1")), harness, seen.append)
    assert outcome.point == validated_points(tmp_path)[0]
    check_evidence(outcome.point)
    assert outcome.point.explored == EXPLORED
    assert outcome.point.p90_ratio == pytest.approx(1.0279, abs=1e-4)
    record = json.loads((outcome.point.folder / "validation.json").read_text())
    assert (record["schema"], record["p90_ratio"]) == (1, outcome.point.p90_ratio)
    readme = result_readme(outcome.point, "SingleStream", "board", ROUNDS.get("v6.1"))
    assert "| p90 latency when it was explored | 10.000000 ms, of which the official one is 1.03 times |" in readme
    assert [(r.performance is None, r.accuracy is None) for r in harness.asked] == [(True, False), (False, True)]
    assert all((r.performance or r.accuracy).user_conf == "../user.conf" for r in harness.asked)
    assert harness.asked[0].accuracy.samples is None
    assert [progress.run for progress in seen] == ["accuracy", "performance", None]
    assert seen[-1].left_s == pytest.approx(0)
    assert "resnet50.SingleStream.performance_sample_count_override = 1024" in outcome.point.user_conf.read_text()


def test_a_point_of_an_older_version_does_not_say_what_was_explored(candidate, tmp_path):
    run(
        planned([dataclasses.replace(candidate(), explored_values={})], tmp_path, ROUNDS.get("v6.1")), RecordedHarness()
    )
    (point,) = validated_points(tmp_path)
    assert (dict(point.explored), point.p90_ratio) == ({}, None)
    path = point.folder / "validation.json"
    assert {"explored", "p90_ratio"} & json.loads(path.read_text()).keys() == set()
    for wrong in ({"latency_p90_ns": "fast"}, {"latency_p90_ns": -1.0}, 3):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"explored": wrong}))
        with pytest.raises(SubmissionError, match="a damaged validation: explored"):
            read_point(point.folder)


def test_the_model_that_ran_stays_with_the_runs(candidate, tmp_path):
    run(planned([candidate()], tmp_path, ROUNDS.get("v6.1")), RecordedHarness())
    (tmp_path / "model.tflite").unlink()
    moved = (tmp_path / "validation").rename(tmp_path / "elsewhere")
    check_evidence(read_point(moved / "3"))
    (moved / "3/model.tflite").write_bytes(b"another")
    with pytest.raises(SubmissionError, match=r"model\.tflite is not what it was"):
        check_evidence(read_point(moved / "3"))


def test_an_interrupted_validation_goes_on_at_the_next_point(candidate, tmp_path):
    def interrupt(request: Request, response: Response, folder: Path) -> Response:
        if folder.parent.name == "running-4" and folder.name == "performance":
            raise KeyboardInterrupt
        return response

    both = [candidate(3), candidate(4, threads=2)]
    with pytest.raises(KeyboardInterrupt):
        run(planned(both, tmp_path, ROUNDS.get("v6.1")), RecordedHarness(spoil=interrupt))
    again = RecordedHarness()
    todo = planned(both, tmp_path, ROUNDS.get("v6.1"))
    assert [step.done for step in todo.steps] == [True, False]
    outcomes = run(todo, again)
    assert [outcome.point.trial for outcome in outcomes] == [3, 4]
    assert len(again.asked) == 2


def test_a_rehearsal_is_marked_and_does_not_count_as_done(candidate, tmp_path):
    todo = planned([candidate()], tmp_path, ROUNDS.get("v6.1"), duration_ms=20_000)
    (outcome,) = run(todo, RecordedHarness())
    assert outcome.point.rehearsal
    assert "min_duration = 20000" in outcome.point.user_conf.read_text()
    with pytest.raises(SubmissionError, match="rehearsal"):
        check_evidence(outcome.point)
    assert planned([candidate()], tmp_path, ROUNDS.get("v6.1"), duration_ms=20_000).steps[0].done
    assert not planned([candidate()], tmp_path, ROUNDS.get("v6.1")).steps[0].done
    assert not planned([candidate()], tmp_path, ROUNDS.get("v6.0"), duration_ms=20_000).steps[0].done


def test_a_longer_rehearsal_is_run_and_a_shorter_one_is_not(candidate, tmp_path):
    run(planned([candidate()], tmp_path, ROUNDS.get("v6.1"), duration_ms=600_000), RecordedHarness())
    for duration_ms, done in ((20_000, True), (600_000, True), (700_000, False)):
        assert planned([candidate()], tmp_path, ROUNDS.get("v6.1"), duration_ms=duration_ms).steps[0].done is done


def test_a_rehearsal_takes_no_place_of_official_runs(candidate, tmp_path):
    run(planned([candidate(3)], tmp_path, ROUNDS.get("v6.1")), RecordedHarness())
    (before,) = validated_points(tmp_path)
    assert not before.rehearsal
    with pytest.raises(SubmissionError, match=r"official runs of round v6\.1, which a rehearsal would replace"):
        planned([candidate(3)], tmp_path, ROUNDS.get("v6.0"), duration_ms=2000)
    assert validated_points(tmp_path) == [before]


def test_official_runs_of_two_rounds_stand_side_by_side(candidate, tmp_path):
    for name in ("v6.1", "v6.0", "v6.1"):
        todo = planned([candidate(3)], tmp_path, ROUNDS.get(name))
        run(todo, RecordedHarness(name))
    assert [(point.trial, point.round) for point in validated_points(tmp_path)] == [(3, "v6.0"), (3, "v6.1")]
    assert all(planned([candidate(3)], tmp_path, ROUNDS.get(name)).steps[0].done for name in ("v6.0", "v6.1"))
    changed = planned([candidate(3, threads=2)], tmp_path, ROUNDS.get("v6.1"))
    run(changed, RecordedHarness())
    assert [point.round for point in validated_points(tmp_path)] == ["v6.0", "v6.1"]


def test_the_same_runs_of_another_trial_are_not_run_again(candidate, tmp_path):
    run(planned([candidate(3)], tmp_path, ROUNDS.get("v6.1")), RecordedHarness())
    todo = planned([candidate(4)], tmp_path, ROUNDS.get("v6.1"))
    assert todo.steps[0].done
    (outcome,) = run(todo, RecordedHarness())
    assert outcome.point == validated_points(tmp_path)[0]


def test_runs_that_fail_leave_the_recorded_ones(candidate, tmp_path):
    run(planned([candidate(3)], tmp_path, ROUNDS.get("v6.1")), RecordedHarness())
    (before,) = validated_points(tmp_path)
    (outcome,) = run(planned([candidate(3)], tmp_path, ROUNDS.get("v6.0")), RecordedHarness())
    assert "qsl_rng_seed" in outcome.reason
    assert validated_points(tmp_path) == [before]
    check_evidence(before)


def test_the_wrong_loadgen_shows_before_the_long_run(candidate, tmp_path):
    harness = RecordedHarness("v6.0")
    (outcome,) = run(planned([candidate()], tmp_path, ROUNDS.get("v6.1")), harness)
    assert outcome.point is None
    assert "seeds" in outcome.reason
    assert len(harness.asked) == 1


def test_a_failed_run_costs_its_point_only(candidate, tmp_path):
    def fail(request: Request, response: Response, folder: Path) -> Response:
        return Response(Failure("crashed", "signal 11")) if folder.parent.name == "running-3" else response

    outcomes = run(
        planned([candidate(3), candidate(4, threads=2)], tmp_path, ROUNDS.get("v6.1")),
        RecordedHarness(spoil=fail),
    )
    assert outcomes[0].reason == "accuracy run: crashed: signal 11"
    assert [point.trial for point in validated_points(tmp_path)] == [4]


def test_an_invalid_run_is_not_recorded(candidate, tmp_path):
    def invalid(request: Request, response: Response, folder: Path) -> Response:
        path = folder / folder.name / "mlperf_log_detail.txt"
        path.write_text(path.read_text().replace('"value": "VALID"', '"value": "INVALID"'))
        return response

    (outcome,) = run(planned([candidate()], tmp_path, ROUNDS.get("v6.1")), RecordedHarness(spoil=invalid))
    assert "result-invalid" in outcome.reason
    assert validated_points(tmp_path) == []


def test_a_point_that_the_official_runs_dominate_is_dropped(candidate, tmp_path):
    def slower(request: Request, response: Response, folder: Path) -> Response:
        if response.performance is None or request.runtime.threads == 1:
            return response
        later = dict.fromkeys(("p90", "p95", "p99", "p999"), 99_000_000)
        slow = {f"latency_{name}_ns": value for name, value in later.items()}
        figures = dataclasses.replace(response.performance, **slow)
        return dataclasses.replace(response, performance=figures)

    both = [candidate(3), candidate(4, threads=2), candidate(5)]
    run(planned(both, tmp_path, ROUNDS.get("v6.1")), RecordedHarness(spoil=slower))
    points = validated_points(tmp_path)
    assert [point.trial for point in official_front(points, OBJECTIVES)] == [3, 5]
    with pytest.raises(SubmissionError, match="has no model_bytes"):
        official_front(points, [Objective(METRICS.get("model_bytes"), "minimize")])


def test_a_name_tells_a_point_apart_and_fits_a_folder(candidate):
    assert candidate(3).name == candidate(4).name == "tiny-int8-litert-xnnpack-t1-b1024"
    assert candidate(3, threads=2).name == "tiny-int8-litert-xnnpack-t2-b1024"
    assert candidate(3, buffer_size=2048, images=5000).name == "tiny-int8-litert-xnnpack-t1-b2048"
    older = dataclasses.replace(candidate(3), configuration={"runtime": "litert-2.2"})
    assert older.name == "tiny-int8-litert-2.2-xnnpack-t1-b1024"
    pinned = dataclasses.replace(candidate(3).request, runtime=RuntimeSpec(cpu_affinity=(0, 2)))
    assert dataclasses.replace(candidate(3), request=pinned).name == "tiny-int8-litert-xnnpack-t1-b1024-cpu0.2"


def test_names_that_no_folder_can_have_stay_apart(candidate):
    models = ("tiny int8", "tiny/int8", "tiny-int8")
    names = [dataclasses.replace(candidate(3), model=m, configuration={"model": m}).name for m in models]
    assert len(set(names)) == 3
    assert all(name.startswith("tiny-int8-litert-xnnpack-t1-b1024") for name in names)


def before(candidates: list[Candidate], **changes: object) -> list[str]:
    """The rules that preflight names."""
    fields = {**dict.fromkeys(SYSTEM_FIELDS, "-"), "status": "available", "system_type": "edge"}
    fields |= {"number_of_nodes": "1", "accelerators_per_node": "0"}
    arguments = {
        "submitter": "Example",
        "system_id": "board",
        "system": fields,
        "round_": ROUNDS.get("v6.1"),
        "loadgen_version": "6.0.17",
        "scenarios": ["SingleStream", "Offline", "MultiStream"],
    }
    return sorted({item.rule for item in preflight(candidates, **{**arguments, **changes})})


def test_preflight_finds_nothing_where_nothing_is_wrong(candidate):
    assert before([candidate(images=50_000)]) == []


def test_preflight_names_what_no_run_can_mend(candidate):
    assert before([candidate()]) == ["data-set-size"]
    assert before([candidate(images=50_000, buffer_size=1023)]) == []
    assert before([candidate(images=500)]) == ["buffer-size", "data-set-size"]
    assert before([candidate(images=50_000)], loadgen_version="6.0.15") == ["loadgen-version", "seeds"]
    assert before([candidate(images=50_000)], loadgen_version="7.0.0") == ["loadgen-version"]
    assert "system-field-missing" in before([candidate(images=50_000)], system={})
    datacenter = {**dict.fromkeys(SYSTEM_FIELDS, "1"), "status": "available", "system_type": "datacenter"}
    assert before([candidate(images=50_000)], system=datacenter) == ["inferred"]


def test_preflight_foresees_too_few_queries_for_an_estimate(candidate):
    def at(latency_s: float) -> list[str]:
        point = candidate(images=50_000)
        figures = dataclasses.replace(point.explored, latency_mean_ns=int(latency_s * 1e9))
        return before([dataclasses.replace(point, response=dataclasses.replace(point.response, performance=figures))])

    assert at(600 / 662) == []
    assert at(600 / 661) == ["inferred"]  # MultiStream wants a p99
    assert at(600 / 63) == ["early-stopping", "inferred"]


def test_preflight_of_a_point_without_latencies(candidate):
    unmeasured = dataclasses.replace(candidate(), response=Response())
    with pytest.raises(SubmissionError, match="trial 3 was not measured"):
        before([unmeasured])


def test_a_buffer_under_1024_is_raised_for_the_official_runs(candidate, tmp_path):
    small = dataclasses.replace(candidate(buffer_size=64), configuration={"threads": 1, "buffer_size": 64})
    harness = RecordedHarness()
    (outcome,) = run(planned([small], tmp_path, ROUNDS.get("v6.1")), harness)
    assert harness.asked[1].performance.buffer_size == 1024
    assert "performance_sample_count_override = 1024" in outcome.point.user_conf.read_text()
    assert outcome.point.configuration == {"threads": 1, "buffer_size": 1024}
    assert outcome.point.name.endswith("b1024")
    assert (small.explored_buffer_size, candidate(buffer_size=64, images=500).buffer_size) == (64, 500)
    assert candidate(buffer_size=2048, images=5000).buffer_size == 2048


def test_points_that_differ_in_small_buffers_only_are_run_once(candidate):
    points = [candidate(3, buffer_size=64), candidate(4, threads=2), candidate(5, buffer_size=256), candidate(6)]
    kept, repeats = without_repeats(points)
    assert [item.trial for item in kept] == [3, 4]
    assert repeats == {5: 3, 6: 3}


def test_the_same_request_under_two_interpreters_is_two_runs(candidate, tmp_path):
    def under(trial: int, python: str | None, version: str) -> Candidate:
        point = candidate(trial)
        evidence = dataclasses.replace(point.response.evidence, runtime_version=version)
        return dataclasses.replace(
            point, python=python, response=dataclasses.replace(point.response, evidence=evidence)
        )

    both = [under(3, None, "2.3.0"), under(4, "/opt/old/bin/python", "2.2.0")]
    assert without_repeats(both) == (both, {})
    assert without_repeats([under(3, "/usr/bin/python3", "2.3.0"), under(4, "/usr/bin/python3", "2.2.0")])[1] == {4: 3}
    run(planned(both[:1], tmp_path, ROUNDS.get("v6.1")), RecordedHarness())
    (point,) = validated_points(tmp_path)
    assert [stands_for(point, item) for item in both] == [True, False]
    assert stands_for(point, under(7, None, "2.3.0"))  # the same, measured again
    assert stands_for(point, under(3, None, "2.2.0"))  # its own trial, under an interpreter that was named


def fast(candidate: Candidate, latency_ns: int) -> Candidate:
    figures = dataclasses.replace(candidate.explored, latency_min_ns=latency_ns)
    return dataclasses.replace(candidate, response=dataclasses.replace(candidate.response, performance=figures))


def test_a_model_too_fast_for_the_memory_is_refused_before_anything_runs(candidate, tmp_path):
    points = [candidate(3), fast(candidate(4, threads=2), 20_000)]
    with pytest.raises(MachineError, match=r"trial 4: LoadGen makes up to 31,578,949 queries .* 9\.7 GiB") as caught:
        planned(points, tmp_path, ROUNDS.get("v6.1"))
    assert caught.value.details == {"trials": "3"}
    assert planned(points, tmp_path, ROUNDS.get("v6.1"), duration_ms=20_000).steps[1].queries.count < 2_000_000


def test_a_model_faster_than_explored_is_measured_again_with_more_queries(candidate, tmp_path):
    def ends_early_once(request: Request, response: Response, folder: Path) -> Response:
        if request.performance is None or len(harness.asked) > 2:
            return response
        figures = dataclasses.replace(response.performance, min_duration_met=False, latency_min_ns=2_000_000)
        log = folder / "performance" / "mlperf_log_detail.txt"
        log.write_text(log.read_text().replace('"value": "VALID"', '"value": "INVALID"'))
        return dataclasses.replace(response, performance=figures)

    harness = RecordedHarness(spoil=ends_early_once)
    seen = []
    (outcome,) = run(planned([candidate()], tmp_path, ROUNDS.get("v6.1")), harness, seen.append)
    assert len(harness.asked) == 4
    assert [item.run for item in seen] == ["accuracy", "performance", None, "accuracy", "performance", None]
    assert "faster than explored" in seen[2].again
    assert "target_latency = 3.000000" in outcome.point.user_conf.read_text()


def test_a_request_to_stop_ends_after_the_running_point(candidate, tmp_path):
    harness = RecordedHarness()
    todo = planned([candidate(3), candidate(4, threads=2)], tmp_path, ROUNDS.get("v6.1"))
    outcomes = run(todo, harness, stopped=lambda: bool(harness.asked))
    assert [outcome.trial for outcome in outcomes] == [3]
    assert len(validated_points(tmp_path)) == 1
