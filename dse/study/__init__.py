"""A study: one search on one system, a folder that can be killed at any instant and continued."""

from dse.study.study import Study, find_study
from dse.study.writer import StudyWriter, study_so_far

__all__ = ["Study", "StudyWriter", "find_study", "study_so_far"]
