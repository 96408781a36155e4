"""From validated front points to an MLPerf Inference submission: official runs, tree, checks, archive.

Open division, edge systems, image classification. The rules are those of the submission checker in
`tools/submission` of mlcommons/inference (commit b66003e1, August 2026); `dse.submission.findings` lists them all.
"""
