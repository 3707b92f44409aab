"""The memory of this machine: what it gives at most, and what a new process can take now.

By the system and by the limits of our control group. Knows nothing of models.
"""

from pathlib import Path
from typing import Any


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
