"""Chapters by way of a Dask scheduler with two workers on this machine's loopback."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batches import Batches, Hearing

from chapter_offline.batch.cluster import Cluster
from chapter_offline.batch.entries import models_of
from chapter_offline.batch.run import run
from chapter_offline.errors import ExitCode, UsageError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    return Batches(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Any]:
    """A real scheduler, and two worker processes that have one chapter at a time each."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        resources={"GPU": 1},
    ) as made:
        yield made


def cluster(batches: Batches, address: str, out: Path, **resources: float) -> Cluster:
    return Cluster(address, models_of(batches.entries(out)), resources)


def test_a_cluster_writes_the_bytes_that_chapters_have_alone(
    batches: Batches, scheduler: Any
) -> None:
    out = batches.folder / "out"
    write = cluster(batches, scheduler.scheduler_address, out, GPU=1)
    made = run(batches.entries(out), out, write, Hearing())
    assert made.left == ()
    assert batches.differing(out) == []
    assert all((out / name / "journal.sqlite").is_file() for name in batches.alone)


def kill_one_that_works(address: str) -> int:
    """Kills a worker that has a chapter underway; its process's number."""
    with distributed.Client(address) as client:
        while not (busy := [w for w, tasks in client.processing().items() if tasks]):
            time.sleep(0.01)
        number = client.run(os.getpid, workers=busy[:1])[busy[0]]
    os.kill(number, signal.SIGKILL)
    return int(number)


def test_what_a_killed_worker_had_is_done_by_another(batches: Batches, scheduler: Any) -> None:
    out = batches.folder / "killed"
    killed: list[int] = []

    class Killing(Hearing):
        def __call__(self, event: Any) -> None:
            super().__call__(event)
            if len(self.of("begun")) == len(batches.alone) and not killed:
                killed.append(kill_one_that_works(scheduler.scheduler_address))

    write = cluster(batches, scheduler.scheduler_address, out)
    made = run(batches.entries(out), out, write, Killing())
    assert len(killed) == 1
    assert made.left == ()
    assert batches.differing(out) == []


def test_a_worker_with_another_model_takes_no_work(batches: Batches, scheduler: Any) -> None:
    out = batches.folder / "other"
    models = {
        name: replace(model, sha256="0" * 64)
        for name, model in models_of(batches.entries(out)).items()
    }
    made = run(
        batches.entries(out)[:1], out, Cluster(scheduler.scheduler_address, models, {}), Hearing()
    )
    (left,) = made.left
    assert left.code == ExitCode.NOT_THE_SAME
    assert f"not {'0' * 64} as here" in left.message


def test_a_scheduler_that_does_not_answer_is_said(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chapter_offline.batch import cluster as module

    monkeypatch.setattr(module, "_CONNECT_SECONDS", 1)
    out = batches.folder / "nobody"
    with pytest.raises(UsageError, match=r"--cluster tcp://127\.0\.0\.1:9: no scheduler answers"):
        run(batches.entries(out), out, cluster(batches, "tcp://127.0.0.1:9", out), Hearing())
