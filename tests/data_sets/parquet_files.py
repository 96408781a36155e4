"""Parquet files of images, written by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import duckdb
import numpy as np

AS_STRUCT = "STRUCT(bytes BLOB, path VARCHAR)"


def png(level: int, side: int = 8) -> bytes:
    """A grey image."""
    return cv2.imencode(".png", np.full((side, side, 3), level, np.uint8))[1].tobytes()


def write_parquet(
    path: Path,
    rows: Sequence[tuple[Any, Any]],
    image_type: str = AS_STRUCT,
    label_type: str = "BIGINT",
    image: str = "image",
    label: str = "label",
) -> Path:
    """``rows`` of image and label, as columns of these types and names."""
    with duckdb.connect() as connection:
        connection.execute(f'CREATE TABLE t ("{image}" {image_type}, "{label}" {label_type}, id VARCHAR)')
        for row in rows:
            connection.execute("INSERT INTO t VALUES (?, ?, 'x')", list(row))
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


def struct(level: int) -> dict[str, Any]:
    """An image as Hugging Face has it."""
    return {"bytes": png(level), "path": f"{level}.png"}
