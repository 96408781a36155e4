"""A study: one search on one system, a folder that can be killed at any instant and continued.

To read one is here; `dse.study.writer` writes, and brings Optuna.
"""

from dse.study.study import Study, find_study

__all__ = ["Study", "find_study"]
