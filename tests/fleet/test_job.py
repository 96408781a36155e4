"""What a device answers is believed only where it is an answer to what was asked, and lands in the trial's folder."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness import device, protocol
from dse_harness.protocol import Failure, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import DeviceAnswerError, DeviceHeldError, DeviceLostError
from dse.fleet.job import Job, read_answer
from tests.fleet.answers import BOOT, REQUEST, answered, document, files, job, tar


def test_an_answer_says_how_it_ended_and_its_files_land_in_the_folder(tmp_path: Path) -> None:
    response = Response(peak_memory_bytes=7)
    answer = read_answer(answered(job(), response, orphans_ended=["study-2-x"]), job(), BOOT, "pi1")
    assert (answer.device, answer.run_id, answer.outcome, answer.status) == ("pi1", "study-3-abc", "ended", 0)
    assert (answer.began_s, answer.ended_s, answer.orphans_ended) == (100.5, 101.0, ("study-2-x",))
    assert answer.response == response
    answer.write(tmp_path)
    assert protocol.read(Response, tmp_path / "response.json") == response
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(files(job())) - {"answer.json"}
    assert (tmp_path / "performance/mlperf_log_summary.txt").read_bytes() == b"summary"


def test_a_link_in_the_folder_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial/stderr.log").symlink_to(elsewhere)
    read_answer(answered(job()), job(), BOOT).write(tmp_path / "trial")
    assert elsewhere.read_text() == "mine"
    assert (tmp_path / "trial/stderr.log").read_text() == "a word\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run_id": "study-4-abc"}, 'answer.json.run_id: found "study-4-abc", expected study-3-abc'),
        ({"request_sha256": "f" * 64}, "answer.json.request_sha256: found"),
        ({"boot_id": "another"}, 'answer.json.boot_id: found "another"'),
        ({"recorded": True}, "answer.json.recorded: found"),
        ({"outcome": "fine"}, "answer.json.outcome: found 'fine'"),
        ({"ended_s": 3}, "found the end 3.0 before 100.5"),
        ({"began_utc": "noon"}, "answer.json.began_utc: found 'noon'"),
        ({"status": "0"}, "answer.json.status: found '0'"),
        ({"schema": 2}, "answer.json.schema: found 2"),
        ({"more": 1}, "unknown more"),
    ],
)
def test_an_answer_to_something_else_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DeviceAnswerError) as caught:
        read_answer(answered(job(), **changes), job(), BOOT, "pi1")
    assert said in caught.value.message
    assert caught.value.device == "pi1"
    assert str(caught.value).startswith("pi1: ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../answer.json", "it has a file"),
        ("/etc/passwd", "it has a file"),
        ("performance/../../x", "it has a file"),
        ("performance/mlperf_log_other.txt", "it has a file"),
        ("request.json", "it has a file"),
        ("trial.json", "it has a file"),
        ("a" * 60 + "/" + "b" * 90, "no regular file"),
    ],
)
def test_a_file_of_another_name_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DeviceAnswerError, match=said):
        read_answer(tar({**files(job()), name: b"x"}), job(), BOOT)


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"5", b"6", b"7", b"x", b"g", b"L", b"S"])
def test_a_member_that_is_no_regular_file_is_refused(kind: bytes) -> None:
    made = tar(files(job())) + b""
    with pytest.raises(DeviceAnswerError, match="no regular file"):
        read_answer(tar({"stderr.log": b""}, type=kind, linkname="/etc/passwd") + made, job(), BOOT)


def test_a_file_that_stands_there_twice_is_refused() -> None:
    twice = tar({"stderr.log": b"1"})[:1024] + answered(job())
    with pytest.raises(DeviceAnswerError, match="once each"):
        read_answer(twice, job(), BOOT)


def test_a_file_that_is_too_large_is_refused_by_its_header() -> None:
    header = bytearray(tar({"stderr.log": b""})[:512])
    header[124:136] = b"%011o\0" % (2**33 - 1)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(DeviceAnswerError, match=r"stderr\.log has 8589934591 bytes, allowed"):
        read_answer(bytes(header), job(), BOOT)


@given(st.integers(0, 3000), st.binary(max_size=8))
def test_a_damaged_answer_is_refused_or_says_the_same(place: int, damage: bytes) -> None:
    whole = answered(job())
    damaged = whole[:place] + damage + whole[place + len(damage) :]
    try:
        answer = read_answer(damaged, job(), BOOT)
    except DeviceAnswerError:
        return
    assert answer.run_id == job().run_id
    assert set(answer.files) <= set(files(job()))


_WHOLE = answered(job())


@given(st.integers(1, _WHOLE.rindex(b"[]") + 1))
def test_an_answer_that_breaks_off_is_refused_or_lacks_whole_files(length: int) -> None:
    try:
        answer = read_answer(_WHOLE[:length], job(), BOOT)
    except DeviceAnswerError:
        pass
    else:
        assert all(files(job())[name] == data for name, data in answer.files.items())


def test_no_answer_without_answer_json() -> None:
    with pytest.raises(DeviceAnswerError, match=r"it has no answer\.json"):
        read_answer(b"", job(), BOOT)


@pytest.mark.parametrize(
    ("changes", "without", "error", "said"),
    [
        ({"outcome": "timeout", "status": -9}, "response.json", "timeout", "killed after 30 s"),
        ({"outcome": "timeout", "status": -9}, "stderr.log", "timeout", "killed after 30 s"),
        ({"status": -11}, "response.json", "crashed", "killed by SIGSEGV: a word"),
        ({"status": 3}, "response.json", "crashed", "exit status 3: a word"),
    ],
)
def test_a_run_without_a_response_is_a_failure(
    changes: dict[str, Any], without: str, error: str, said: str, tmp_path: Path
) -> None:
    kept = {name: data for name, data in files(job(), **changes).items() if name != without}
    answer = read_answer(tar(kept), job(), BOOT)
    assert answer.response.failure is not None
    assert answer.response.failure.error == error
    assert said in answer.response.failure.message
    answer.write(tmp_path)
    assert protocol.read(Response, tmp_path / "response.json") == answer.response


def test_a_response_that_is_none_is_a_failure() -> None:
    answer = read_answer(tar({**files(job()), "response.json": b'{"schema": 99}'}), job(), BOOT)
    assert answer.response.failure == Failure(
        "internal", "no response that this version reads: response.json.schema: found 99, this version reads 1 and 2"
    )


def test_a_recorded_answer_is_believed_without_a_beginning() -> None:
    assert read_answer(answered(job(), recorded=True), job(boot_id=BOOT), None).recorded
    with pytest.raises(DeviceAnswerError, match="boot_id"):
        read_answer(answered(job(), recorded=True, boot_id="x"), job(boot_id=BOOT), None)
    with pytest.raises(DeviceAnswerError, match="recorded"):
        read_answer(answered(job()), job(boot_id=BOOT), None)


def test_both_sides_have_one_fingerprint_of_a_request() -> None:
    asked = job(request=replace(REQUEST, warmup_s=1.0, data_set=replace(REQUEST.data_set, name="ü\x7f")))
    sent = json.loads(asked.line)
    assert asked.line.endswith(b"\n")
    assert device.sha256(sent["request"]) == asked.request_sha256 == asked.named("study-4-x").request_sha256
    assert asked.named("study-4-x") == replace(asked, run_id="study-4-x")
    assert sent == {
        "schema": 1,
        "run_id": "study-3-abc",
        "owner": "lab",
        "timeout_s": 30,
        "lease_s": 30,
        "command": None,
        "boot_id": None,
        "request": sent["request"],
    }


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "a b", "a" * 201, "ü"])
def test_a_run_id_is_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="run_id: found"):
        Job(name, "lab", REQUEST, 1.0)


@pytest.mark.parametrize("kind", [DeviceLostError, DeviceHeldError, DeviceAnswerError])
def test_an_error_is_the_same_after_it_went_to_another_process(kind: type[DeviceLostError]) -> None:
    error = kind("gone", device="pi1", hint="look")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.hint, copy.device) == (kind, "pi1: gone", "look", "pi1")


def test_the_document_of_these_tests_is_whole() -> None:
    assert document(job())["request_sha256"] == job().request_sha256
