"""看住一个子进程：收集输出，超时或输出过多就杀死它所在的进程组，最后回收。"""

import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

TIMEOUT, OUTPUT = "timeout", "output"
_TICK = 0.05  # 秒；隔这么久看一眼时限
_SHORT_TICK = 0.001  # 输出都已关闭，多半正在退出


@dataclass(frozen=True)
class Ended:
    """`data` 的键是管道的文件号；`stopped` 是 TIMEOUT、OUTPUT 或空。"""

    status: int
    stopped: str
    data: dict[int, bytes]


def watch(pid: int, pipes: Mapping[int, int], seconds: float, control: int) -> Ended:
    """`pipes`：文件号 → 至多收多少字节。子进程须是它那一组的组长；`control` 关闭时连自己一起退出。

    以子进程退出为准，不以输出关闭为准：片段可以关掉输出而不退出，也可以留下占着输出的后代。
    """
    data = dict.fromkeys(pipes, b"")
    deadline = time.monotonic() + seconds
    stopped = ""
    with selectors.DefaultSelector() as selector:
        for fd in (control, *pipes):
            selector.register(fd, selectors.EVENT_READ)
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                _kill_group(pid)  # 片段留下的后代
                while _collect(selector, data, 0, control, pid):
                    pass
                break
            only_control = len(selector.get_map()) == 1
            _collect(selector, data, _SHORT_TICK if only_control else _TICK, control, pid)
            if not stopped and any(len(data[fd]) > most for fd, most in pipes.items()):
                stopped = OUTPUT
            elif not stopped and time.monotonic() > deadline:
                stopped = TIMEOUT
            if stopped:
                _kill_group(pid)
    for fd in pipes:
        os.close(fd)
    return Ended(os.waitstatus_to_exitcode(status), stopped, data)


def _collect(
    selector: selectors.BaseSelector, data: dict[int, bytes], wait: float, control: int, pid: int
) -> bool:
    """等至多 `wait` 秒，把到了的输出各读一块；有输出到了才为真。"""
    arrived = False
    for key, _ in selector.select(wait):
        if key.fd == control:
            _kill_group(pid)
            sys.exit(0)
        chunk = os.read(key.fd, 1 << 16)
        data[key.fd] += chunk
        if chunk:
            arrived = True
        else:
            selector.unregister(key.fd)
    return arrived


def _kill_group(pid: int) -> None:
    # 组里已经没有进程时，Linux 报 ESRCH，macOS 报 EPERM
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
