"""执行器的应答 → 结果，或者一句中文说明的失败。纯函数。"""

import signal
import textwrap
from dataclasses import dataclass
from pathlib import Path

from handbook.context import Ran
from handbook.errors import Problem
from handbook.sandbox import MIB, Limits
from handbook.supervise import OUTPUT, TIMEOUT
from handbook.worker import BROKEN, DIED, Outcome, Task

_LONGEST_NOISE = 2000


@dataclass(frozen=True)
class Failure:
    """一个片段为什么不成；`line` 是片段里的行号，`detail` 是回溯或错误输出。"""

    shown: str
    line: int | None
    message: str
    detail: str = ""
    fix: str = "改正片段"
    rule: str = "S05"

    @property
    def place(self) -> str:
        return self.shown if self.line is None else f"{self.shown}:{self.line}"

    @property
    def advice(self) -> str:
        """改法，另起一行附上回溯。"""
        detail = textwrap.indent(self.detail.rstrip("\n"), "    ")
        return f"{self.fix}\n{detail}" if detail else self.fix

    def on_itself(self) -> Problem:
        """没有页面可记时，记在片段自己身上。"""
        return Problem(Path(self.shown), self.line, self.message, self.advice, self.rule)


def judge(outcome: Outcome, task: Task) -> Ran | Failure:
    """时限、内存、崩溃、异常、多余的错误输出，各有各的说法。"""
    result = outcome.result or {}
    if "error" in result and not outcome.stopped:
        return _raised(result["error"], task)
    if message := _complaint(outcome, task.limits):
        return Failure(task.shown, None, message, outcome.stderr[-_LONGEST_NOISE:])
    return Ran(outcome.stdout, result.get("figures", {}))


def _complaint(outcome: Outcome, limits: Limits) -> str:
    """没有异常可报时，进程的下场有什么不对；都对则空。"""
    if outcome.stopped == TIMEOUT or outcome.status == -signal.SIGXCPU:
        return f"超过 {limits.seconds:g} 秒没有结束（墙钟 {limits.wall:g} 秒），已终止"
    if outcome.stopped == OUTPUT:
        return f"输出超过 {limits.output_bytes} 字节，已终止"
    if outcome.stopped == DIED:
        return "执行器意外退出（它自己的报错见上）"
    if outcome.status == BROKEN:
        return "执行器没能启动片段"
    if outcome.status < 0:
        hint = "；多半是内存用尽" if outcome.status == -signal.SIGKILL else ""
        return f"进程崩溃（{signal.Signals(-outcome.status).name}）{hint}"
    if outcome.status > 0:
        return f"退出码是 {outcome.status}，应为 0"
    if outcome.result is None and not limits.program:
        return "没有跑完就退出了（os._exit？）"
    if outcome.stderr:
        return "往标准错误写了内容"
    if any("\udc80" <= character <= "\udcff" for character in outcome.stdout):
        return "标准输出不是合法的 UTF-8"
    return ""


def _raised(error: dict[str, object], task: Task) -> Failure:
    kind, message, step = error["type"], error["message"], error["step"]
    what = f"{kind}：{message}" if message else str(kind)
    if error["memory"]:
        what = f"内存超过 {task.limits.memory // MIB} MiB（{kind}）"
    elif kind in ("PermissionError", "BlockingIOError"):
        what += "（片段不许联网、开进程、读写文件）"
    line = error["line"]
    return Failure(
        task.shown,
        line if isinstance(line, int) else None,
        f"{step}() 出错：{what}" if step else what,
        str(error["traceback"]),
    )
