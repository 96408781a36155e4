"""Addresses of models: as a server gets them, as they are shown, and as they are recorded.

What stands before the host (a user and a password) and after ``?`` may be a secret. It goes to that server and nowhere
else: into no message, no file of dse's and no submission.
"""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse

_KEPT = "/%:=&?~+!$,;'@()*"
"""Of an address: what may stand in it as it is, beside letters, digits and ``_.-``."""
_PARTS = re.compile(r"(?P<scheme>\w+://)?(?P<rest>[^?#]*)")
_QUERY_DIGITS = 16
_DIGEST = re.compile(rf"\?sha256:[0-9a-f]{{{_QUERY_DIGITS}}}$")


def shown(url: str) -> str:
    """``url`` as everybody may see it: without user and password, and without what follows ``?`` or ``#``."""
    match = _PARTS.match(url)
    scheme, rest = (match["scheme"] or "", match["rest"]) if match else ("", "")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{authority.rpartition('@')[2]}{slash}{path}"


def without_secret(text: str) -> str:
    """An address as it is `shown`; any other text as it is. Older versions recorded addresses as they were written."""
    return shown(text) if text.startswith(("http://", "https://")) else text


def record_key(url: str) -> str:
    """What a record calls ``url``: as it is shown, and a digest of its query, for that may name the file.

    The key of a key is itself.
    """
    if _DIGEST.search(url):
        return url
    query = url.partition("#")[0].partition("?")[2]
    digest = f"?sha256:{hashlib.sha256(query.encode()).hexdigest()[:_QUERY_DIGITS]}" if query else ""
    return shown(url) + digest


def escaped(url: str) -> str:
    """``url`` as HTTP takes it: spaces and what is not ASCII as browsers send them, without user and password.

    Raises ValueError, which does not name what may be a secret.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = (parts.hostname or "").encode("idna"), parts.port  # either raises for what is none
    except ValueError:
        raise ValueError(_refusal(url, "its host or port is none")) from None
    if not host:
        raise ValueError(_refusal(url, "no host"))
    if not url.isprintable():
        raise ValueError(_refusal(url, "a control character"))
    path, query = (urllib.parse.quote(part, safe=_KEPT) for part in (parts.path, parts.query))
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, query, ""))


def authorization(url: str) -> str | None:
    """The header ``Authorization`` for the user and password that ``url`` names, if it names any."""
    user, at, _ = urllib.parse.urlsplit(url).netloc.rpartition("@")
    if not at:
        return None
    name, _, password = user.partition(":")
    words = f"{urllib.parse.unquote(name)}:{urllib.parse.unquote(password)}"
    return "Basic " + base64.b64encode(words.encode()).decode()


def _refusal(url: str, reason: str) -> str:
    """Where an address cannot be split, an ``@`` may have a password before it."""
    found = "" if "@" in url else f"found {shown(url)!r}, "
    return f"{found}expected an address: {reason}"
