"""``--where`` as people write it: SQL, in which a number with a percent sign is a part of one.

Accuracies are shown in percent and held as a fraction of 1, as JSON and CSV give them. So `accuracy >= 70 %` and
`accuracy >= 0.7` say the same, and `accuracy >= 70`, which nothing could match, is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal

from dse.errors import UsageError

_QUOTED = re.compile(r"('[^']*'|\"[^\"]*\")")
_NUMBER = r"(?<![\w.])(\d+(?:\.\d+)?|\.\d+)"
_PERCENT = re.compile(
    rf"{_NUMBER}\s{{0,9}}%(?=\s{{0,9}}(?:$|[),;<>=!]|(?:and|or|then|else|when|end|order|is|not|between|in)\b))",
    re.IGNORECASE,
)
"""A percent sign that nothing follows which could be divided by: elsewhere it is SQL's remainder."""
_COMPARED = r"(?:[<>=!]=?|<>|(?:not\s{1,9})?between\b)"
_BARE = re.compile(
    rf"\baccuracy\s{{0,9}}{_COMPARED}\s{{0,9}}{_NUMBER}(?![\w.])|{_NUMBER}\s{{0,9}}[<>=!]{{1,2}}\s{{0,9}}accuracy\b",
    re.IGNORECASE,
)


def as_sql(where: str) -> str:
    """The expression with its percentages as fractions.

    Raises `UsageError` for an accuracy that is compared with more than 1 and has no percent sign.
    """
    parts = _QUOTED.split(where)
    parts[::2] = [_PERCENT.sub(lambda match: f"{Decimal(match[1]).scaleb(-2):f}", part) for part in parts[::2]]
    for part in parts[::2]:
        for match in _BARE.finditer(part):
            number = match[1] or match[2]
            if float(number) > 1:
                raise UsageError(
                    f"accuracy is compared with {number}: it is a fraction of 1, shown in percent",
                    hint=f'write "{number} %" or {float(number) / 100:g}',
                )
    return "".join(parts)
