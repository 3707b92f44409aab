"""Whether the files that a chapter's manifest names are there, as they were written."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from chapter_offline.errors import NotTheSameError
from chapter_offline.writing.manifest import Manifest


def changed_outputs(folder: Path, made: Manifest) -> Iterator[tuple[str, str]]:
    """Files of a chapter that are missing or aren't those that were written: name, and why not."""
    for name, digest in made.outputs.items():
        try:
            own = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            yield name, f"can't be read: {error.strerror}"
            continue
        if own != digest:
            yield (
                name,
                "not the file that the manifest names: it was changed since it was written",
            )


def check_outputs(folder: Path, made: Manifest) -> None:
    """Raises NotTheSameError for the first of `changed_outputs`."""
    for name, why in changed_outputs(folder, made):
        raise NotTheSameError(f"{folder / name}: {why}")
