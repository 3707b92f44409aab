"""llama.cpp's own server, at each of some numbers of slots, over the loopback.

The sections are asked for by as many threads as there are slots. Tokens that end a turn are ignored
(`ignore_eos`), so that each answer has its full length.
"""

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import Any

import psutil

from benchmark.work import Measured, Order, conversations
from chapter_offline.catalog.header import read_header
from chapter_offline.engine.interface import Message, Sampler, Settings
from chapter_offline.engine.llama import open_engine
from chapter_offline.resources import prompts_dir

SAMPLER = Sampler()
_START_SECONDS = 120


def served(order: Order) -> Measured:
    """The job with `width` slots."""
    header = read_header(Path(order.model))
    with open_engine(Path(order.model), Settings(window=64, slots=1)) as counter:
        jobs = conversations(order.sizes, counter.count_text, prompts_dir())
        longest = max(map(counter.count, jobs)) + order.sizes.written
    cells = order.width * (longest + 64)
    with _running(order, cells) as (address, process):
        peak = _Peak(process)
        _ask(address, jobs[-1], 8)
        before = process.cpu_times()
        start = time.perf_counter()
        with ThreadPoolExecutor(order.width) as pool:
            usages = list(pool.map(lambda job: _ask(address, job, order.sizes.written), jobs))
        seconds = time.perf_counter() - start
        after = process.cpu_times()
        bytes_ = peak.stop()
    used = after.user + after.system - before.user - before.system
    return Measured(
        order.way,
        seconds,
        sum(u["read"] for u in usages),
        sum(u["written"] for u in usages),
        peak=bytes_,
        expected=header.file_bytes + cells * header.kv_bytes_per_token,
        busy=used / seconds / order.threads,
        note=f"{order.width} slots",
    )


@contextmanager
def _running(order: Order, cells: int) -> Iterator[tuple[str, psutil.Process]]:
    port = _free_port()
    command = [
        order.server,
        *("--model", order.model),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--parallel", str(order.width), "--ctx-size", str(cells)),
        *("--threads", str(order.threads), "--threads-batch", str(order.threads)),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with closing(socket(AF_INET, SOCK_STREAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the server was not ready after {_START_SECONDS} seconds")


def _ask(address: str, messages: tuple[Message, ...], tokens: int) -> dict[str, int]:
    """Tokens read and written for one chat completion."""
    body: dict[str, Any] = {
        "messages": [{"role": m.role, "content": m.text} for m in messages],
        "max_tokens": tokens,
        "ignore_eos": True,
        "cache_prompt": True,
        "temperature": SAMPLER.temperature,
        "min_p": SAMPLER.min_p,
        "top_p": 1.0,
        "top_k": 0,
        "repeat_penalty": SAMPLER.repeat_penalty,
        "repeat_last_n": SAMPLER.repeat_last_n,
        "seed": 1,
    }
    request = urllib.request.Request(
        f"{address}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=3600) as reply:
        answer = json.load(reply)
    usage, timings = answer["usage"], answer.get("timings", {})
    # `prompt_n` leaves out what the server had in its cache; `prompt_tokens` doesn't.
    return {
        "read": int(timings.get("prompt_n", usage["prompt_tokens"])),
        "written": int(usage["completion_tokens"]),
    }


class _Peak:
    """The largest resident memory of a process, looked at ten times a second."""

    def __init__(self, process: psutil.Process) -> None:
        self._process, self._most, self._done = process, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self._look()

    def _look(self) -> None:
        self._most = max(self._most, self._process.memory_info().rss)

    def stop(self) -> int:
        self._look()
        self._done.set()
        self._thread.join()
        return self._most
