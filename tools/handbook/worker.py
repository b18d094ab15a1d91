"""片段的执行器：一个单独的、干净的进程，导入一次 NumPy 与 Matplotlib，再为每个片段分叉一个子进程。

分叉比另起解释器快十几倍；单独成进程，是因为构建进程里有 V8 与线程，从那里分叉出来的子进程会卡死。
协议：标准输入每行一个 JSON 请求（Task），标准输出每行一个 JSON 应答（Outcome）；
标准输入关闭，执行器便杀死正在跑的片段并退出，所以构建进程怎样结束都不留下孤儿。
"""

import contextlib
import fcntl
import json
import os
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from handbook import child, sandbox, supervise
from handbook.sandbox import MIB, Limits

_OUT, _ERR, _RESULT = 1, 2, 3  # 子进程里的文件号
_ABOVE = 10  # 搬动文件号时的落脚处，高于上面三个
_RESULT_BYTES = 16 * MIB
BROKEN = 70  # 退出码：没能搭好牢笼，或交不出结果
DIED = "died"  # Outcome.stopped：执行器自己没了，由问的一方填写


@dataclass(frozen=True)
class Task:
    """运行哪个文件；`root` 是片段目录，`shown` 是报错里的文件名。"""

    path: str
    shown: str
    root: str
    limits: Limits
    torch: bool = False

    @classmethod
    def from_json(cls, text: bytes) -> "Task":
        values = json.loads(text)
        return cls(**{**values, "limits": Limits(**values["limits"])})


@dataclass(frozen=True)
class Outcome:
    """子进程的下场。`status` 是退出码（负数为信号）；`stopped` 是杀它的缘由，没有杀则空。"""

    status: int
    stopped: str
    stdout: str
    stderr: str
    result: dict[str, Any] | None


def run(task: Task, control: int) -> Outcome:
    """分叉、等待、回收；`control` 是构建进程那一端，关闭即停。"""
    with tempfile.TemporaryDirectory(prefix="handbook-") as scratch:
        ends = {number: os.pipe() for number in (_OUT, _ERR, _RESULT)}
        pid = os.fork()
        if pid == 0:
            writes = {number: write for number, (_, write) in ends.items()}
            _become(task, Path(scratch).resolve(), writes)
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # 父子各做一次，谁先谁后都不留空当；子进程或许已经退出
        for _, write in ends.values():
            os.close(write)
        most = dict.fromkeys((_OUT, _ERR), task.limits.output_bytes) | {_RESULT: _RESULT_BYTES}
        pipes = {read: most[number] for number, (read, _) in ends.items()}
        ended = supervise.watch(pid, pipes, task.limits.wall, control)
        data = {number: ended.data[read] for number, (read, _) in ends.items()}
    return Outcome(
        ended.status,
        ended.stopped,
        data[_OUT].decode("utf-8", "surrogateescape"),
        data[_ERR].decode("utf-8", "surrogateescape"),
        _result(data[_RESULT]),
    )


def _result(data: bytes) -> dict[str, Any] | None:
    """子进程交出的结果；没有交、没交完、被片段写乱了都是 None。"""
    if not data.endswith(b"\n"):
        return None
    try:
        result = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None


def _become(task: Task, scratch: Path, pipes: dict[int, int]) -> NoReturn:
    """子进程：接好输出，进入牢笼，运行，交出结果，退出；不返回到父进程的代码。"""
    try:
        os.setpgid(0, 0)
        spare = {n: fcntl.fcntl(fd, fcntl.F_DUPFD, _ABOVE) for n, fd in pipes.items()}
        spare[0] = os.open(os.devnull, os.O_RDONLY)
        for number, fd in spare.items():
            os.dup2(fd, number)
        os.closerange(_RESULT + 1, 1024)  # 连同与构建进程往来的管道
        sys.stdout = open(_OUT, "w", encoding="utf-8", newline="\n", closefd=False)  # noqa: SIM115
        sys.stderr = open(_ERR, "w", encoding="utf-8", newline="\n", closefd=False)  # noqa: SIM115
        path, root = Path(task.path), Path(task.root)
        sandbox.enter(task.limits, root, scratch)
        if task.limits.program:
            os.execv(path, [str(path)])
        result = child.run(path, task.shown, root, torch=task.torch)
        sys.stdout.flush()
        sys.stderr.flush()
        data = json.dumps(result).encode() + b"\n"
        while data:
            data = data[os.write(_RESULT, data) :]
        os._exit(0)
    except BaseException:
        os.write(_ERR, traceback.format_exc().encode())
    finally:
        os._exit(BROKEN)


def main() -> None:
    """逐个处理请求，直到标准输入关闭。"""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # 库若往标准输出打印，不得混进应答
    from handbook import figures

    figures.prepare()
    sandbox.libraries()
    with open(requests, "rb", buffering=0) as source, open(answers, "wb", buffering=0) as target:
        for line in iter(source.readline, b""):
            outcome = run(Task.from_json(line), requests)
            target.write(json.dumps(asdict(outcome)).encode() + b"\n")


if __name__ == "__main__":
    main()
