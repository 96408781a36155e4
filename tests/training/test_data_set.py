import pytest

pytest.importorskip("torch", reason="PyTorch is needed for training only")

import numpy as np

from training.data_set import stratified_order


def test_the_order_is_a_permutation_with_every_class_in_every_ten_and_depends_on_the_seed() -> None:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(10), 30))
    order = stratified_order(labels, seed=0)
    assert sorted(order) == list(range(300))
    assert (np.sort(labels[order].reshape(-1, 10), axis=1) == np.arange(10)).all()
    assert (order == stratified_order(labels, seed=0)).all()
    assert (order != stratified_order(labels, seed=1)).any()
