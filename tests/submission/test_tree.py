from __future__ import annotations

import pytest

from dse.submission.checks import check_tree
from dse.submission.rounds import ROUNDS


@pytest.mark.parametrize("round_name", ["v5.1", "v6.0", "v6.1"])
def test_a_good_tree_breaks_no_rule_but_the_data_set_size(make_tree, round_name):
    tree = make_tree(round_name)
    assert {f.rule for f in check_tree(tree, ROUNDS[round_name])} == {"data-set-size"}
