import json

import pytest
from dse_harness.detail_log import DetailLogError, Entry, entries


def line(key: str, value: object, is_error: bool = False) -> bytes:
    document = {"key": key, "value": value, "time_ms": 1.5, "metadata": {"is_error": is_error, "is_warning": False}}
    return f":::MLLOG {json.dumps(document)}\n".encode()


def test_lines_of_loadgen_are_read_and_others_passed_over() -> None:
    data = b"of another program\n" + line("a", 1) + b"\n" + line("b", [2, "\r\x85"])
    assert list(entries(data)) == [Entry("a", 1, 1.5, False, False), Entry("b", [2, "\r\x85"], 1.5, False, False)]


def test_of_many_keys_only_those_wanted_and_errors_are_read() -> None:
    data = line("a", 1) + line("b", 2) + line("c", "bad", is_error=True) + b':::MLLOG {"key": "a", "val'
    assert [(entry.key, entry.value) for entry in entries(data, {"a"})] == [("a", 1), ("c", "bad")]


def test_what_a_line_does_not_say_is_not_made_up() -> None:
    assert list(entries(b':::MLLOG {"key": "a", "value": null}')) == [Entry("a", None, None, None, None)]


@pytest.mark.parametrize(
    "damaged", [b":::MLLOG {", b":::MLLOG []", b':::MLLOG {"key": "a"}', b':::MLLOG {"key": "a", "value": "\xff"}']
)
def test_a_damaged_line_is_told_by_its_number(damaged: bytes) -> None:
    with pytest.raises(DetailLogError, match="line 3: not a line of LoadGen: ':::MLLOG ") as caught:
        list(entries(b"x\n" + line("a", 1) + damaged + b"\n"))
    assert caught.value.line == 3


def test_the_json_of_a_line_is_read_as_the_caller_reads_it() -> None:
    (entry,) = entries(line("a", 1), parse=lambda text: json.loads(text, parse_int=str))
    assert entry.value == "1"
