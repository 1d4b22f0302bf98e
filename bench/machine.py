"""What the machine says: CPU time and memory of process trees (from /proc), and how fast its cores are right now."""

import os
import platform
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> tuple[int, float]:
    """Parent, and CPU seconds of the process with its ended children."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return int(fields[1]), sum(int(field) for field in fields[11:15]) / _TICKS


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(_stat(int(name))[0], []).append(int(name))
        except OSError:
            continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """CPU time of a process tree so far."""
    total = 0.0
    for pid in tree(root):
        try:
            total += _stat(pid)[1]
        except OSError:
            continue
    return total


def memory_mb(root: int) -> float:
    """Resident memory of a process tree."""
    total = 0
    for pid in tree(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return round(total / 1024, 1)


def loop_ms(core: int) -> float:
    """Milliseconds of a fixed loop on one core: the speed of a virtual machine's host changes by up to two times."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    started, total = time.perf_counter(), 0
    for number in range(400_000):
        total += number & 7
    elapsed = (time.perf_counter() - started) * 1e3
    os.sched_setaffinity(0, before)
    return round(elapsed, 2)


def wait_until_idle(roots: list[int], limit: float = 60) -> None:
    """Wait until these process trees are idle: requests of closed connections go on inside a server for a while."""
    started, quiet = time.monotonic(), 0
    while quiet < 3 and time.monotonic() - started < limit:
        before = sum(map(cpu_seconds, roots))
        time.sleep(0.1)
        quiet = quiet + 1 if sum(map(cpu_seconds, roots)) - before <= 0.015 else 0


def describe() -> str:
    """One line on the machine."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in info if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}, Linux {platform.release()}, Python {platform.python_version()}"
