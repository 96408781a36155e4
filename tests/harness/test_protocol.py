import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.decode import ProtocolError, decode
from harness.protocol import DataSetSpec, Failure, Request, Response, read, write

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@given(st.from_type(Request))
def test_a_request_survives_json(request: Request) -> None:
    document = {**dataclasses.asdict(request), "schema": 1}
    assert decode(Request, json.loads(json.dumps(document))) == dataclasses.replace(request, schema=1)


@given(st.from_type(Response))
def test_a_response_survives_json(response: Response) -> None:
    document = {**dataclasses.asdict(response), "schema": 1}
    assert decode(Response, json.loads(json.dumps(document))) == dataclasses.replace(response, schema=1)


def test_write_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "response.json"
    for failure in (Failure("internal", "first"), Failure("loadgen", "second")):
        write(Response(failure), path)
        assert read(Response, path).failure == failure
    assert [file.name for file in tmp_path.iterdir()] == ["response.json"]


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    code = """\
import resource, sys
from pathlib import Path
from harness.protocol import Failure, Response, write
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    write(Response(Failure("internal", "x")), Path(sys.argv[1]))
except OSError as error:
    print(error.filename)
"""
    path = tmp_path / "response.json"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "document.schema: found 2, this version reads 1"),
        ({"colour": "red"}, "document: unknown colour; allowed: model_path"),
        ({"runtime": {"delegate": "gpu"}}, "document.runtime.delegate: found 'gpu', allowed: 'xnnpack', 'builtin'"),
        ({"runtime": {"threads": True}}, "document.runtime.threads: found True"),
        ({"data_set": {"name": "x"}}, "document.data_set: missing path, sha256"),
        ({"performance": []}, "document.performance: found list, expected an object"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change: dict[str, object], message: str) -> None:
    request = Request("m", "0", DataSetSpec("d", "p", "s"), "cache")
    with pytest.raises(ProtocolError) as caught:
        decode(Request, {**dataclasses.asdict(request), **change})
    assert message in str(caught.value)


def test_what_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{")
    with pytest.raises(ProtocolError, match=r"request\.json: not JSON"):
        read(Request, tmp_path / "request.json")
