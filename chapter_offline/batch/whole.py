"""Which chapters of a batch an earlier run has made whole, so that they needn't be looked at again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from chapter_offline.batch.entries import Entry
from chapter_offline.batch.happening import Outcome
from chapter_offline.writing.manifest import MANIFEST


def whole_before(entry: Entry, earlier: Mapping[str, Outcome]) -> Outcome | None:
    """The outcome of a chapter that is whole, made of just what it would be made of now, and unchanged since.

    earlier: what has been reported.
    """
    known = earlier.get(entry.name)
    if known is None or known.state != "whole" or known.digest != entry.digest:
        return None
    try:
        manifest = (entry.folder / MANIFEST).read_bytes()
        outputs = json.loads(manifest)["outputs"]
        same = hashlib.sha256(manifest).hexdigest() == known.manifest and all(
            hashlib.sha256((entry.folder / name).read_bytes()).hexdigest() == digest
            for name, digest in outputs.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return replace(known, before=True) if same else None
