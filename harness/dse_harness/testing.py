"""What an engine has to hold, as tests for pytest: subclass `EngineConformance` beside the engine.

class TestToy(EngineConformance):
    engine = Toy

    def write_model(self, folder: Path) -> Path:
        ...
"""

from __future__ import annotations

import os
import subprocess
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dse_harness.engines import Engine, Session
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.tensors import image_input


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

    def open(self, model: Path, threads: int = 1) -> Session:
        """The model, loaded as a request that asks for ``threads`` would load it."""
        return self.engine(RuntimeSpec("any", threads, self.engine.delegates[0])).load(model)

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


def _threads() -> int:
    """Of this process; Linux alone tells."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 0
