"""与执行器往来：启动、一问一答、意外退出时换一个、用完关掉。"""

import json
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from handbook.worker import DIED, Outcome, Task

_PATIENCE = 10  # 秒；关掉输入之后等执行器自己退出


def _environment(cache: Path) -> dict[str, str]:
    """执行器的全部环境变量：与各人的设置无关；线性代数库只用一个线程，次序才固定。"""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    return {
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",  # 当前目录不进 sys.path
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(cache / "matplotlib"),  # 字体清单的缓存
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS 才认
    }


class Worker:
    """一个执行器进程；一次只做一件事。"""

    def __init__(self, cache: Path):
        (cache / "matplotlib").mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "handbook.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(cache),
            cwd="/",
            start_new_session=True,  # 终端里的 Ctrl-C 由构建进程处理，执行器随输入关闭而退出
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, task: Task) -> None:
        """交给执行器去跑，不等结果。"""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # 执行器已经没了：读应答时自会发现
            self._process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            self._process.stdin.flush()

    def answer(self) -> Outcome | None:
        """等结果；执行器自己退出了则返回 None。"""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return Outcome(**json.loads(line)) if line.endswith(b"\n") else None

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(_PATIENCE)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Pool:
    """若干执行器，用到才启动；各线程取一个，用完放回。"""

    def __init__(self, cache: Path, size: int):
        self._cache = cache
        self._idle: SimpleQueue[Worker | None] = SimpleQueue()
        self.workers: list[Worker] = []
        for _ in range(size):
            self._idle.put(None)

    def run(self, task: Task) -> Outcome:
        worker = self._idle.get()
        try:
            if worker is None:
                worker = Worker(self._cache)
                self.workers.append(worker)
            worker.send(task)
            outcome = worker.answer()
            if outcome is None:
                worker = None  # 下一个片段换一个新的
                return Outcome(0, DIED, "", "", None)
            return outcome
        finally:
            self._idle.put(worker)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:
            for worker in self.workers:
                stack.callback(worker.close)
