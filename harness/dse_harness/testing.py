"""What an engine, a task or a scenario has to hold, as tests for pytest: subclass the class for it beside your own.

class TestToy(EngineConformance):
    engine = Toy

    def write_model(self, folder: Path) -> Path:
        ...
"""

from __future__ import annotations

import gc
import math
import os
import subprocess
import sys
from abc import abstractmethod
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
import numpy as np
import pytest
from numpy.typing import NDArray

from dse_harness.engines import MODEL, CompilingEngine, Engine, Session, example_of, options_of, takes_batches
from dse_harness.errors import HarnessError
from dse_harness.process import signal_stack
from dse_harness.protocol import PerformanceSpec, Response, RuntimeSpec
from dse_harness.scenarios import Scenario, samples_per_query, yields
from dse_harness.tasks import Task
from dse_harness.tensors import Tensor, image_input


class EngineConformance:
    """Tests of `dse_harness.engines.Engine`, with a small model that the subclass writes.

    The model takes one square image, has ten outputs, and its answer depends on the image.
    """

    engine: type[Engine]
    exact: bool = True
    """Whether the answer is the same to the last bit whatever the number of threads."""

    @abstractmethod
    def write_model(self, folder: Path) -> Path:
        """Write a model into ``folder`` and say where."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        """The small model."""
        return self.write_model(tmp_path)

    def open(self, model: Path, threads: int = 1, batch_size: int = 1) -> Session:
        """The model, loaded as a request that asks for ``threads`` would load it."""
        return self.engine(RuntimeSpec("any", threads, self.engine.delegates[0], batch_size=batch_size)).load(model)

    def test_its_class_says_what_dse_asks_for(self) -> None:
        """Nobody has to import the engine to know its name, packages, files and delegates."""
        assert self.engine.title
        for names in (self.engine.packages, self.engine.suffixes, self.engine.delegates):
            assert isinstance(names, tuple)
            assert names
            assert all(isinstance(name, str) and name for name in names)
            assert len(set(names)) == len(names)
        assert all(suffix.startswith(".") for suffix in self.engine.suffixes)

    def test_its_module_imports_neither_numpy_nor_the_engine(self) -> None:
        """dse asks the class in a command that must answer at once."""
        code = f"import sys, {self.engine.__module__}; print(*sorted(sys.modules))"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        loaded = set(done.stdout.split())
        packages = {package.replace("-", "_") for package in self.engine.packages}
        assert not loaded & ({"numpy", "mlperf_loadgen", "cv2", "importlib.metadata"} | packages)

    def test_a_model_is_loaded_and_described(self, model: Path) -> None:
        """Tensors have plain numbers and NumPy's names of types."""
        self.engine.check_file(model)
        session = self.open(model)
        image = image_input(session.inputs, model)
        assert image.side > 0
        (output,) = session.bind()(self._images(session)[0])
        assert output.shape == session.outputs[0].shape
        assert output.dtype.name == session.outputs[0].type
        assert output.size == 10

    def test_it_has_a_version(self, model: Path) -> None:
        """As pip has it."""
        version = self.engine(RuntimeSpec("any", 1, self.engine.delegates[0])).version
        assert version
        assert version == version.strip()

    def test_the_same_image_has_the_same_answer(self, model: Path) -> None:
        """Whatever came before it, and in a session of its own."""
        session = self.open(model)
        first, second = self._images(session)
        answer, other = self._answer(session, first), self._answer(session, second)
        assert not np.array_equal(answer, other)
        assert np.array_equal(self._answer(session, first), answer)
        assert np.array_equal(self._answer(self.open(model), first), answer)

    def test_signals_find_the_stack_that_they_had(self, model: Path) -> None:
        """A signal stack that is freed with a model ends the process at the next signal."""
        before, engine = signal_stack(), self.engine(RuntimeSpec("any", 1, self.engine.delegates[0]))
        sessions = [engine.load(model), engine.load(model)]
        if isinstance(engine, CompilingEngine):
            sessions.append(engine.load_compiled(engine.compile(model)))
        assert signal_stack() == before
        while sessions:
            sessions.pop(0)
            gc.collect()
            assert signal_stack() == before

    def test_a_compiled_model_is_the_model(self, model: Path) -> None:
        """Where the engine compiles: the same tensors, the same answers, and what is no compiled model is refused."""
        engine = self.engine(RuntimeSpec("any", 1, self.engine.delegates[0]))
        if not isinstance(engine, CompilingEngine):
            return
        session, compiled = self.open(model), engine.load_compiled(engine.compile(model))
        assert (compiled.inputs, compiled.outputs) == (session.inputs, session.outputs)
        for image in self._images(session):
            assert np.array_equal(self._answer(compiled, image), self._answer(session, image))
        with pytest.raises((RuntimeError, ValueError)):
            engine.load_compiled(b"not a model")

    def test_its_example_is_the_model(self, model: Path) -> None:
        """Where the engine says how to run a model without dse: each level that runs has the same answer there."""
        levels = [(name, level) for name, some in options_of(self.engine).items() for level in some]
        for delegate, changed in ((delegate, one) for delegate in self.engine.delegates for one in (None, *levels)):
            spec = RuntimeSpec("any", 1, delegate, options=dict([changed]) if changed else {})
            example = example_of(self.engine, spec)
            if example is None:
                return
            try:
                session = self.engine(spec).load(model)
            except HarnessError:
                continue
            for sample in self._images(session):
                names: dict[str, Any] = {MODEL: str(model), "sample": sample}
                exec("\n".join((*example.imports, *example.load, *example.run)), names)
                assert np.allclose(names["scores"], self._answer(session, sample), rtol=1e-5, atol=1e-5)

    def test_options_are_levels_and_each_runs_the_model_or_refuses_it(self, model: Path) -> None:
        """The first of an option's levels is what a request means that does not name it."""
        for name, levels in options_of(self.engine).items():
            assert len(set(map(str, levels))) == len(levels) > 1
            for level in levels:
                spec = RuntimeSpec("any", 1, self.engine.delegates[0], options={name: level})
                try:
                    session = self.engine(spec).load(model)
                except HarnessError as error:
                    assert level != levels[0]
                    assert error.failure.error == "delegate_refused"  # noqa: PT017
                else:
                    assert self._answer(session, self._images(session)[0]).size == 10

    def test_an_answer_is_a_copy(self, model: Path) -> None:
        """The next image does not change it."""
        session = self.open(model)
        first, second = self._images(session)
        invoke = session.bind()
        (kept,) = invoke(first)
        before = kept.copy()
        invoke(second)
        assert np.array_equal(kept, before)

    def test_the_caller_says_which_outputs_it_wants(self, model: Path) -> None:
        """Each as often as it stands there."""
        session = self.open(model)
        (image, _) = self._images(session)
        assert len(session.bind([])(image)) == 0
        one, two = session.bind([0, 0])(image)
        assert np.array_equal(one, two)

    def test_a_batch_is_answered_as_its_images_are(self, model: Path) -> None:
        """Where the engine takes batches; a model that has none is refused."""
        if not takes_batches(self.engine):
            return
        alone = self.open(model)
        images = [*self._images(alone), self._images(alone)[0]]
        try:
            session = self.open(model, batch_size=3)
        except HarnessError as error:
            assert error.failure.error == "model_unsupported"  # noqa: PT017
            return
        assert (session.inputs, session.outputs) == (alone.inputs, alone.outputs)
        (answers,) = session.bind()(np.concatenate(images))
        assert answers.shape == (3, *alone.outputs[0].shape[1:])
        for answer, image in zip(answers, images, strict=True):
            assert np.allclose(answer, self._answer(alone, image)[0], rtol=1e-3, atol=1e-5)

    def test_threads_change_no_answer_and_one_thread_starts_no_other(self, model: Path) -> None:
        """A request for one thread is one thread: it is what the latency is published for."""
        before = _threads()
        session = self.open(model, threads=1)
        (image, _) = self._images(session)
        answer = self._answer(session, image)
        assert _threads() <= before
        several = self._answer(self.open(model, threads=2), image)
        assert np.array_equal(several, answer) if self.exact else np.allclose(several, answer, rtol=1e-3)

    def test_each_delegate_runs_the_model_or_refuses_it(self, model: Path) -> None:
        """And says so with the class that makes it the delegate's fault."""
        for delegate in self.engine.delegates:
            try:
                session = self.engine(RuntimeSpec("any", 1, delegate)).load(model)
            except HarnessError as error:
                assert error.failure.error == "delegate_refused"  # noqa: PT017
            else:
                assert self._answer(session, self._images(session)[0]).size == 10

    def test_what_is_no_model_is_refused_before_the_engine_sees_it(self, tmp_path: Path) -> None:
        """With the file's name."""
        suffix = self.engine.suffixes[0]
        absent, text, folder = (tmp_path / f"{name}{suffix}" for name in ("absent", "text", "folder"))
        text.write_text("neither model nor anything else")
        folder.mkdir()
        for path, allowed in ((absent, "model_missing"), (text, "model_broken"), (folder, "model_missing")):
            with pytest.raises(HarnessError) as caught:
                self.engine.check_file(path)
            assert caught.value.failure.error == allowed
            assert str(path) in caught.value.failure.message

    def test_a_model_that_was_cut_short_is_broken(self, model: Path) -> None:
        """Whatever the engine raises, what comes out is a failure with a class."""
        contents = model.read_bytes()
        model.write_bytes(contents[: len(contents) // 2])
        with pytest.raises(HarnessError) as caught:
            self.open(model)
        assert caught.value.failure.error == "model_broken"
        assert str(model) in caught.value.failure.message

    def _images(self, session: Session) -> tuple[NDArray[Any], NDArray[Any]]:
        tensor = session.inputs[0]
        dark, light = np.zeros(tensor.shape, tensor.type), np.zeros(tensor.shape, tensor.type)
        channel = (..., 0) if tensor.layout == "NHWC" else (slice(None), 0)
        light[channel] = 1 if tensor.scale is None else 100
        return dark, light

    def _answer(self, session: Session, image: NDArray[Any]) -> NDArray[Any]:
        (output,) = session.bind()(image)
        return output


class TaskConformance:
    """Tests of `dse_harness.tasks.Task`, with the outputs of a model and of a few samples that the subclass names."""

    task: type[Task]
    outputs: Sequence[Tensor]
    """Of a model that fits the task."""
    classes: int | None = None

    @abstractmethod
    def samples(self) -> Sequence[Sequence[NDArray[Any]]]:
        """What the model puts out for two samples or more with different answers: each the outputs that it `reads`."""

    @abstractmethod
    def labels(self) -> NDArray[Any]:
        """What would be right for each of the samples; for one of them at least, the model is."""

    def make(self) -> Task:
        """The task for the model."""
        return self.task(self.outputs, self.classes)

    def test_it_reads_outputs_that_the_model_has(self) -> None:
        """By their indices, each once."""
        assert set(self.task.reads) <= set(range(len(self.outputs)))
        assert len(set(self.task.reads)) == len(self.task.reads)

    def test_outputs_that_do_not_fit_are_refused(self) -> None:
        """A model without outputs fits no task."""
        with pytest.raises(HarnessError) as caught:
            self.task([], self.classes)
        assert caught.value.failure.error == "model_unsupported"

    def test_labels_that_fit_are_accepted(self) -> None:
        """Nothing is returned, nothing is raised."""
        self.make().check_labels(self.labels())

    def test_an_answer_fits_into_the_values_that_it_says(self) -> None:
        """No more than `Task.most_values`; the same sample has the same answer, whatever came before."""
        task = self.make()
        first = self._answers(task)
        assert all(0 < len(answer) <= 4 * task.most_values for answer in first)
        assert self._answers(task) == first
        assert len(set(first)) > 1

    def test_predictions_stand_in_the_order_of_the_answers(self) -> None:
        """One for each."""
        task = self.make()
        answers = self._answers(task)
        predictions = task.predictions(answers)
        assert len(predictions) == len(answers)
        assert np.array_equal(task.predictions(answers[::-1]), predictions[::-1])

    def test_a_digest_tells_predictions_apart(self) -> None:
        """And is the same for the same ones."""
        task = self.make()
        answers = self._answers(task)
        digest = task.digest(task.predictions(answers))
        assert len(digest) == 64
        assert task.digest(task.predictions(answers)) == digest
        assert task.digest(task.predictions(answers[1:])) != digest

    def test_an_answer_of_another_size_is_refused(self) -> None:
        """A log may be cut off."""
        with pytest.raises(ValueError):  # noqa: PT011 - in whatever words
            self.make().predictions([b"\0" * 5])

    def test_what_is_right_is_counted(self) -> None:
        """By `Task.accuracy`, by a metric, or by both."""
        task, labels = self.make(), self.labels()
        predictions = task.predictions(self._answers(task))
        accuracy = task.accuracy(predictions, labels, "list", len(labels))
        metrics = task.metrics(predictions, labels)
        assert accuracy is not None or metrics
        if accuracy is not None:
            assert 0 < accuracy.good <= accuracy.total == len(labels)
            assert accuracy.predictions_sha256 == task.digest(predictions)
            assert accuracy.problem() is None
            if accuracy.answers is not None:
                assert accuracy.answers.image_order == accuracy.image_order
        assert all(math.isfinite(metric.value) and metric.unit for metric in metrics.values())

    def _answers(self, task: Task) -> list[bytes]:
        answers = []
        for outputs in self.samples():
            values = array("f", [0.0] * task.most_values)
            answers.append(values[: task.answer(outputs, values)].tobytes())
        return answers


class ScenarioConformance:
    """Tests of `dse_harness.scenarios.Scenario`, with the values of a log that the subclass has from LoadGen."""

    scenario: type[Scenario]
    values: Mapping[str, Any]
    """What LoadGen's detail log of a PerformanceOnly run says, by key."""

    def test_loadgen_takes_its_settings(self) -> None:
        """For any time that an invocation takes."""
        spec = PerformanceSpec(buffer_size=8, min_duration_ms=10)
        for invoke_ns in (1, 10**6, 10**10):
            settings = lg.TestSettings()
            settings.scenario = self.scenario().scenario
            self.scenario().settings(settings, spec, invoke_ns)
            if samples_per_query(self.scenario) != 1:
                self.scenario().settings(settings, spec, invoke_ns, 4)

    def test_every_sample_of_a_query_is_answered_once(self) -> None:
        """With its own id."""
        answered: list[tuple[int, int]] = []
        issue = self.scenario().issuer(lambda sample_id, index: answered.append((sample_id, index)))
        size = samples_per_query(self.scenario) or 5
        ids = [*range(1, size + 1)], [*range(size + 1, 2 * size + 1)]
        for query in ids:
            issue(query, [5] * size)
        assert sorted(answered) == [(sample_id, 5) for query in ids for sample_id in query]

    def test_it_has_the_metrics_that_it_names(self) -> None:
        """Where its class says which."""
        if (named := yields(self.scenario)) is None:
            return
        performance = self.scenario().performance(self.values, ())
        found = Response(performance=performance, metrics=dict(self.scenario().metrics(self.values))).metrics
        assert set(named) <= found.keys()
        assert len(set(named)) == len(named)

    def test_figures_are_read_from_the_log(self) -> None:
        """Latencies, metrics, or both; durations and counts are positive."""
        performance, metrics = self.scenario().performance(self.values, ("odd",)), self.scenario().metrics(self.values)
        assert performance is not None or metrics
        if performance is not None:
            assert performance.latency_min_ns <= performance.latency_p90_ns <= performance.latency_max_ns
            assert performance.query_count > 0
            assert performance.duration_ns > 0
            assert performance.warnings == ("odd",)
        assert all(math.isfinite(metric.value) and metric.unit for metric in metrics.values())

    def test_a_log_that_lacks_its_figures_raises_keyerror(self) -> None:
        """Which becomes a failure with LoadGen's own words."""
        with pytest.raises(KeyError):
            (self.scenario().performance({}, ()), self.scenario().metrics({}))


def _threads() -> int:
    """Of this process; Linux alone tells."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 0
