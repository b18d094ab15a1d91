"""录好输出的片段：构建时不运行，输出取自旁边的 `.out`。

要 PyTorch 或 C/C++ 编译器的片段用它，构建网站因而两样都不需要；测试重跑一遍，逐字节比对。

录制：`python -m handbook.recorded snippets/<章>/<名>.c …`
"""

import ast
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

from handbook import child
from handbook.context import Ran
from handbook.errors import HandbookError, Problem
from handbook.pool import Pool
from handbook.project import Project
from handbook.sandbox import MIB, Limits
from handbook.verdict import Failure, judge
from handbook.worker import Task

# 编译器与语言标准；警告即错误
COMPILERS = {
    ".c": ("cc", "-std=c11"),
    ".cpp": ("c++", "-std=c++17"),
}
_FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-o")
_PYTHON = Limits(seconds=180, memory=16384 * MIB)
_PROGRAM = Limits(seconds=180, program=True)


def recording(path: Path) -> Path:
    return path.with_suffix(".out")


def is_recorded(path: Path) -> bool:
    """C 与 C++ 的总是；Python 的看旁边有没有 `.out`。"""
    return path.suffix in COMPILERS or recording(path).is_file()


def read(path: Path, project: Project) -> Ran | Failure:
    """录好的输出；没有录、有作图函数的是失败。"""
    shown = project.relative(path).as_posix()
    out = recording(path)
    if not out.is_file():
        fix = f"运行 python -m handbook.recorded {shown}"
        return Failure(shown, None, f"没有录好的输出 {project.relative(out).as_posix()}", fix=fix)
    try:
        found = _figure_function(path, shown) if path.suffix == ".py" else None
    except SyntaxError as error:
        return Failure(shown, error.lineno, f"SyntaxError：{error.msg}")
    if found:
        message = f"录好输出的片段不能有作图函数 {found.name}()"
        return Failure(shown, found.lineno, message, fix="删去它：构建时不运行片段", rule="S07")
    return Ran(out.read_text("utf-8"), {})


def _figure_function(path: Path, shown: str) -> ast.FunctionDef | None:
    body = ast.parse(path.read_text("utf-8"), filename=shown).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return next((f for f in functions if child.is_figure(f.name)), None)


def rerun(path: Path, project: Project) -> str:
    """真正运行一遍，返回输出；PyTorch 片段也在牢笼里，只是上限放宽。"""
    shown = project.relative(path).as_posix()
    with tempfile.TemporaryDirectory(prefix="handbook-") as folder, Pool(project.cache, 1) as pool:
        target, root, limits = path.resolve(), project.snippets, _PYTHON
        if path.suffix in COMPILERS:
            root = Path(folder).resolve()
            target, limits = compiled(path, shown, root), _PROGRAM
        task = Task(str(target), shown, str(root), limits, torch=True)
        result = judge(pool.run(task), task)
    if isinstance(result, Failure):
        raise HandbookError(result.on_itself())
    return result.output


def compiled(path: Path, shown: str, folder: Path) -> Path:
    """用系统的编译器编译到 `folder`；编译错误、警告、没有编译器都抛 HandbookError。"""
    command, standard = COMPILERS[path.suffix]
    target = folder / path.stem
    try:
        done = subprocess.run(
            [command, standard, *_FLAGS, str(target), str(path), "-lm"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    except FileNotFoundError as error:
        fix = "装上 C/C++ 编译器（Debian：build-essential；macOS：xcode-select --install）"
        raise HandbookError(Problem(Path(shown), None, f"没有编译器 {command}", fix)) from error
    if done.returncode:
        raise HandbookError(Problem(Path(shown), None, "编译不过", f"改正\n{done.stderr}", "S03"))
    return target


def run_recorded(path: Path, project: Project) -> None:
    """重跑并与 `.out` 逐字节比较；不同则抛 HandbookError，附上差别。"""
    shown, out = project.relative(path), recording(path)
    kept = read(path, project)
    if isinstance(kept, Failure):
        raise HandbookError(kept.on_itself())
    now = rerun(path, project)
    if now.encode() != out.read_bytes():
        before = out.read_text("utf-8").splitlines(keepends=True)
        diff = "".join(difflib.unified_diff(before, now.splitlines(keepends=True), "录的", "跑的"))
        fix = f"改正代码，或重录：python -m handbook.recorded {shown.as_posix()}\n{diff}"
        raise HandbookError(Problem(shown, None, "输出与录的不同", fix, "S05"))


def main(arguments: list[str]) -> int:
    """录下列出的片段的输出。"""
    project = Project.find()
    for name in arguments:
        path = Path(name).resolve()
        recording(path).write_bytes(rerun(path, project).encode())
        print(f"已录 {project.relative(recording(path)).as_posix()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
