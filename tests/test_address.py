"""Addresses: what is sent, what may be shown, and what tells two of them apart without a secret."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.address import authorization, escaped, record_key, shown, without_secret

_SECRET = "https://me:s3cret@a.b:80/c/model.tgz?token=t0ken&x=1#frag"


def test_user_information_and_query_are_not_shown() -> None:
    assert shown(_SECRET) == "https://a.b:80/c/model.tgz"
    assert without_secret(_SECRET) == shown(_SECRET)
    assert without_secret("mobilenet_v3 of dse's zoo?") == "mobilenet_v3 of dse's zoo?"
    assert shown("http://a.b/pkg@1.0/model.tgz") == "http://a.b/pkg@1.0/model.tgz"


@given(st.text("ab:/@?#[]%.", max_size=12), st.sampled_from(["", "?t=SECRET", "#SECRET", "?a@b/SECRET"]))
def test_nothing_behind_the_path_is_ever_shown(rest: str, tail: str) -> None:
    address = shown(f"http://{rest}{tail}")
    assert "SECRET" not in address
    assert shown(address) == address


def test_an_address_is_recorded_without_what_it_hides_and_still_told_apart() -> None:
    assert record_key("http://a/x") == "http://a/x"
    assert record_key("http://me:pw@a/x#y") == "http://a/x"
    one, other = record_key("http://a/x?id=SECRET1"), record_key("http://a/x?id=SECRET2")
    assert one != other
    assert "SECRET" not in one
    assert shown(one) == "http://a/x"
    assert record_key(one) == one
    assert record_key("http://me:pw@a/x?id=SECRET1") == one


def test_user_information_becomes_a_header_and_no_part_of_the_address() -> None:
    assert authorization(_SECRET) == "Basic " + base64.b64encode(b"me:s3cret").decode()
    assert authorization("http://m%40e:%C3%A4@a/") == "Basic " + base64.b64encode("m@e:ä".encode()).decode()
    assert authorization("http://a/x@y") is None
    assert escaped(_SECRET) == "https://a.b:80/c/model.tgz?token=t0ken&x=1"


def test_what_is_escaped_already_stays() -> None:
    assert escaped("https://a.b:80/c%20d/ä e?f=%2F&g=ä#h") == "https://a.b:80/c%20d/%C3%A4%20e?f=%2F&g=%C3%A4"


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://", "http:///x", "http://a:port/x", "http://a:99999/", "http://a..b/", "http://a/\0"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected an address: "):
        escaped(url)


@pytest.mark.parametrize(
    "url", ["http://me:S3CRET@[::1/x", "http://me:S3CRET/@a/x", "http://me:S3CRET?@a/x", "http://a/\0?S3CRET"]
)
def test_an_address_that_cannot_be_split_keeps_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match="expected an address: ") as caught:
        escaped(url)
    assert "S3CRET" not in str(caught.value)
