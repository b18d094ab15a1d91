"""在分叉出的子进程里执行一个片段：`__main__` 演示，然后逐个调用作图函数。"""

import linecache
import random
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

_RESERVE = 8 << 20
_LONGEST_TRACEBACK = 4000


def run(path: Path, shown: str, root: Path, *, torch: bool) -> dict[str, Any]:
    """`{"figures": …}` 或 `{"error": …}`（见 _describe）；`shown` 是回溯里的文件名。"""
    reserve = bytearray(_RESERVE)  # 内存用尽时放掉，好有余地写出回溯
    step = ""
    try:
        _seed()
        if not torch:
            sys.modules["torch"] = None  # type: ignore[assignment]  # 构建网站不靠 PyTorch
        module = _execute(path, shown, root)
        figures = {}
        for step, function in _figure_functions(module):
            figures[step.removeprefix("figure").removeprefix("_")] = _draw(step, function, shown)
        _check_helpers(path, root)
        return {"figures": figures}
    except BaseException as error:
        del reserve
        return {"error": _describe(error, shown, step)}


def _seed() -> None:
    import numpy as np

    random.seed(0)
    np.random.seed(0)
    warnings.simplefilter("error")  # 警告即错误，并给出引起它的那一行


def _execute(path: Path, shown: str, root: Path) -> ModuleType:
    """同 `python 片段.py`：模块名是 `__main__`，片段所在目录可以导入。"""
    source = path.read_text("utf-8")
    linecache.cache[shown] = (len(source), None, source.splitlines(keepends=True), shown)
    sys.argv = [str(path)]
    sys.path[:0] = [str(path.parent), str(root)]
    module = ModuleType("__main__")
    module.__file__ = str(path)
    sys.modules["__main__"] = module
    exec(compile(source, shown, "exec", dont_inherit=True), module.__dict__)
    return module


def _check_helpers(path: Path, root: Path) -> None:
    """缓存的键只含 `_*.py`；导入了别的片段就会用到过时的结果，所以不许。"""
    for module in list(sys.modules.values()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file != path and file.is_relative_to(root) and not file.name.startswith("_"):
            raise ImportError(f"片段不能导入别的片段 {file.name}；共用的函数放进 _*.py")


def is_figure(name: str) -> bool:
    return name == "figure" or name.startswith("figure_")


def _figure_functions(module: ModuleType) -> list[tuple[str, Callable[[], object]]]:
    """片段自己定义的 `figure` 与 `figure_<名>`，按定义的次序。"""
    return [
        (name, value)
        for name, value in vars(module).items()
        if is_figure(name) and callable(value) and value.__module__ == module.__name__
    ]


def _draw(name: str, function: Callable[[], object], salt: str) -> str:
    from matplotlib.figure import Figure

    from handbook.figures import to_svg

    drawn = function()
    if not isinstance(drawn, Figure):
        kind = type(drawn).__name__
        raise TypeError(f"{name}() 应返回 matplotlib 的 Figure，返回的是 {kind}")
    return to_svg(drawn, f"{salt}:{name}")


def _describe(error: BaseException, shown: str, step: str) -> dict[str, Any]:
    """异常的类别、说明、片段里的行号、从片段那一层起的回溯。"""
    inside = error.__traceback__
    while inside is not None and inside.tb_frame.f_code.co_filename != shown:
        inside = inside.tb_next
    line = _last_line(inside, shown)
    if isinstance(error, SyntaxError) and error.filename == shown:
        line = error.lineno
    text = "".join(traceback.format_exception(type(error), error, inside or error.__traceback__))
    return {
        "type": type(error).__name__,
        "message": str(error),
        "memory": isinstance(error, MemoryError),
        "step": step,
        "line": line,
        "traceback": text[-_LONGEST_TRACEBACK:],
    }


def _last_line(frames: TracebackType | None, shown: str) -> int | None:
    line = None
    while frames is not None:
        if frames.tb_frame.f_code.co_filename == shown:
            line = frames.tb_lineno
        frames = frames.tb_next
    return line
