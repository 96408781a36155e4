"""Distributions with entry points, as pip would install them: a folder to be put on the path."""

from pathlib import Path


def install(
    folder: Path, name: str, group: str, entries: dict[str, str], modules: dict[str, str] | None = None
) -> None:
    """Write the metadata of distribution ``name`` 1.0 and its ``modules`` (source by name) into ``folder``."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{group}]", *(f"{entry} = {value}" for entry, value in entries.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for module, source in (modules or {}).items():
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
