"""跑一个变异体：在临时目录里摆好改坏的片段与原样的测试，于预热过的 fork 里运行 pytest。

预热的父进程是 multiprocessing 的 forkserver：干净的进程，NumPy、PyTorch、pytest 等只导入一次，
每个变异体 fork 一次。被测文件从不就地改动；测试按镜像路径找片段，找到的就是临时目录里改坏的那个，
`runpy` 跑 `__main__` 也一样。
"""

import ast
import gc
import math
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from handbook.project import Project

_MEMORY = 4 << 30
_UNMUTATED = 600.0  # 原样的片段至多用这么多秒 CPU
# pytest 的退出码加上它，与子进程自己出错（1）、forkserver 死掉（255）分开
_RAN = 100
_INTERNAL_ERROR = 3  # 再往上是用法不对、没有收集到测试：都不是测试变红
_ALWAYS_WARM = (__name__, "numpy", "pytest", "hypothesis", "matplotlib.backends.backend_svg")
# torch 到第一次 backward 才导入的，连带 sympy 的几百个模块
_LAZY = {"torch": "torch.fx.experimental.symbolic_shapes"}


@dataclass(frozen=True)
class Verdict:
    """`passed`：测试全过（变异体活着）。`seconds` 是用时，`output` 是 pytest 的输出。"""

    passed: bool
    seconds: float
    output: str


def imports_of(files: Iterable[Path]) -> list[str]:
    """这些文件导入的模块，供预热。"""
    names = set(_ALWAYS_WARM)
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return sorted(names | {lazy for name, lazy in _LAZY.items() if name in names})


def warm_up(files: Iterable[Path]) -> None:
    """启动 forkserver 并等它导入完；环境变量要在它启动之前设。"""
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    multiprocessing.set_forkserver_preload(imports_of(files))
    first = multiprocessing.get_context("forkserver").Process(target=os.getpid)
    first.start()
    first.join()


def _lay_out(folder: Path, project: Project, snippet: Path, source: str) -> Path:
    """在 `folder` 里摆一个镜像：改坏的片段、原样的测试，其余文件是链接。返回测试的路径。"""
    chapter = snippet.parent.name
    test = project.snippet_test(chapter, snippet.stem)
    for original in (snippet.parent, test.parent):
        target = folder / original.relative_to(project.root)
        target.mkdir(parents=True)
        for file in original.iterdir():
            if file.name != "__pycache__" and file not in (snippet, test):
                (target / file.name).symlink_to(file)
    (folder / "snippets" / chapter / snippet.name).write_text(source, "utf-8")
    for conftest in {test.parents[i] / "conftest.py" for i in (1, 2)}:
        if conftest.is_file():
            shutil.copy(conftest, folder / conftest.relative_to(project.root))
    return Path(shutil.copy(test, folder / test.relative_to(project.root)))


def _child(test: str, folder: str, settings: str, log: str, seconds: int) -> None:
    """fork 出来的进程：自成进程组（连它的子进程一起杀），输出写进文件。

    限内存；也限 CPU 时间：主进程若先被杀，不停的循环不至于成为孤儿永远跑下去。
    """
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    sys.dont_write_bytecode = True
    gc.freeze()  # 继承来的几十万个对象不必再扫：pytest 收尾时要收集好几遍
    file = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)

    import hypothesis
    import pytest

    # 变异体只问死活，不必把反例缩到最小
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutants", phases=phases, database=None)
    hypothesis.settings.load_profile("mutants")
    options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    sys.exit(_RAN + pytest.main([*options, "-c", settings, test]))


def run(project: Project, snippet: Path, source: str, limit: float | None = None) -> Verdict:
    """用 `snippet` 的测试检验 `source`；超过 `limit` 秒就杀掉，算没过。"""
    context = multiprocessing.get_context("forkserver")
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name).resolve()
        test = _lay_out(folder, project, snippet, source)
        log = folder / "pytest.log"
        settings = project.root / "pyproject.toml"
        start = time.monotonic()
        seconds = math.ceil(limit or _UNMUTATED)
        arguments = (str(test), str(folder), str(settings), str(log), seconds)
        process = context.Process(target=_child, args=arguments)
        process.start()
        process.join(limit)
        if process.is_alive() and process.pid:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:  # 还没走到 setsid
                process.kill()
            process.join()
        output = log.read_text("utf-8", errors="replace") if log.is_file() else ""
        code = process.exitcode
    if code is None or (code >= 0 and not _RAN <= code <= _RAN + _INTERNAL_ERROR):
        raise RuntimeError(f"{test.name}: 子进程以 {code} 退出，没有判定变异体的死活\n{output}")
    return Verdict(code == _RAN, time.monotonic() - start, output)
