"""Whether a model fits the memory of this machine, before it is loaded.

An estimate: weights, KV cache and a margin for what is computed with. Knows nothing of how a model
is run.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMPUTE_BYTES = 352 * 1024 * 1024
"""Buffers of one step: 512 rows of logits over 152,000 tokens in 32 bits are 297 MiB of it."""

_PROCESS_BYTES = 160 * 1024 * 1024
"""Python, NumPy and llama.cpp themselves."""

_COMPUTE_SHARE = 20
"""Activations grow with the model: a twentieth of the weights is set aside for them."""


@dataclass(frozen=True)
class Footprint:
    """Bytes of memory that a model takes while it runs.

    weights: the file. kv_cache: keys and values of all tokens of the window. compute: buffers of a
    step. process: the program itself.
    """

    weights: int
    kv_cache: int
    compute: int
    process: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return self.weights + self.kv_cache + self.compute + self.process


def footprint(file_bytes: int, kv_bytes_per_token: int, window: int) -> Footprint:
    """What a model of that file takes at a window of that many tokens, in bytes."""
    return Footprint(
        weights=file_bytes,
        kv_cache=kv_bytes_per_token * window,
        compute=_COMPUTE_BYTES + file_bytes // _COMPUTE_SHARE,
        process=_PROCESS_BYTES,
    )


def available_memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that a new process can take now, by the system and by the limits of its control group.

    `proc`, `cgroups`: where Linux tells of control groups; elsewhere nothing lies there.
    """
    psutil = _psutil()
    free = int(psutil.virtual_memory().available)
    return min([free, *(max(0, limit - used) for limit, used in _limits(proc, cgroups))])


def total_memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this machine, or the limit of our control group, would ever give."""
    psutil = _psutil()
    return min([int(psutil.virtual_memory().total), *(at for at, _ in _limits(proc, cgroups))])


def _psutil() -> Any:
    """The module, imported late: a start that runs no model need not pay for it."""
    import psutil  # type: ignore[import-untyped, unused-ignore]

    return psutil


def _limits(proc: Path, cgroups: Path) -> list[tuple[int, int]]:
    """(limit, bytes in use) of our control group and each group above it that has a limit."""
    found = []
    for line in _text(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if number == "0" and not controllers:
            roots, v2 = [cgroups, cgroups / "unified"], True
        elif "memory" in controllers.split(","):
            roots, v2 = [cgroups / "memory"], False
        else:
            continue
        # Inside a container the group's own path may not be visible; the mount's root then is it.
        parts = [part for part in name.split("/") if part not in ("", "..")]
        for root in roots:
            for depth in range(len(parts), -1, -1):
                limit = _limit(root.joinpath(*parts[:depth]), v2)
                if limit:
                    found.append(limit)
    return found


def _limit(group: Path, v2: bool) -> tuple[int, int] | None:
    """(limit, bytes in use) of one control group, if it has a limit.

    Pages of files that nobody used lately don't count: the system gives them back before it kills.
    """
    names = ("memory.max", "memory.current", "inactive_file")
    if not v2:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    limit, used = _text(group / names[0]).strip(), _text(group / names[1]).strip()
    if not (limit.isdecimal() and used.isdecimal()):
        return None
    cache = 0
    for line in _text(group / "memory.stat").splitlines():
        key, _, value = line.partition(" ")
        if key == names[2] and value.isdecimal():
            cache = int(value)
    return int(limit), max(0, int(used) - cache)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
