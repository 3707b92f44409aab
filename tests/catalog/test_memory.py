"""What this machine gives, and what a new process can take now."""

from pathlib import Path

import psutil

from chapter_offline.catalog.memory import available_memory, total_memory


def tree(tmp_path: Path, line: str, group: str, **files: str) -> tuple[Path, Path]:
    """Folders as Linux shows them for one control group."""
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(line + "\n")
    (cgroups / group).mkdir(parents=True)
    for name, value in files.items():
        (cgroups / group / name.replace("__", ".")).write_text(value)
    return proc, cgroups


def test_without_a_limit_the_system_decides(tmp_path: Path) -> None:
    assert total_memory(tmp_path, tmp_path) == psutil.virtual_memory().total
    assert 0 < available_memory(tmp_path, tmp_path) <= psutil.virtual_memory().total


def test_a_groups_limit_counts_less_what_it_uses_for_good(tmp_path: Path) -> None:
    stat = "anon 1\ninactive_file 20000000\n"
    where = tree(
        tmp_path,
        "0::/jobs/one",
        "jobs/one",
        memory__max="100000000",
        memory__current="50000000",
        memory__stat=stat,
    )
    assert available_memory(*where) == 70_000_000
    assert total_memory(*where) == 100_000_000


def test_a_limit_on_the_group_above_counts(tmp_path: Path) -> None:
    where = tree(
        tmp_path, "0::/jobs/one", "jobs", memory__max="90000000", memory__current="100000000"
    )
    assert (available_memory(*where), total_memory(*where)) == (0, 90_000_000)


def test_the_older_kind_of_group_counts(tmp_path: Path) -> None:
    where = tree(
        tmp_path,
        "4:cpu,memory:/jobs",
        "memory/jobs",
        memory__limit_in_bytes="80000000",
        memory__usage_in_bytes="30000000",
    )
    assert available_memory(*where) == 50_000_000


def test_inside_a_container_the_mounts_root_counts(tmp_path: Path) -> None:
    where = tree(tmp_path, "0::/../../host/path", "", memory__max="70000000", memory__current="0")
    # What lies outside of the mount is none of ours.
    (tmp_path / "memory.max").write_text("5")
    (tmp_path / "memory.current").write_text("5")
    assert total_memory(*where) == 70_000_000


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    where = tree(tmp_path, "0::/jobs", "jobs", memory__max="max", memory__current="5")
    assert total_memory(*where) == psutil.virtual_memory().total
