"""从 Python 源码的语法树里取几样事实：作图函数、测试函数、各段的行。"""

import ast
from functools import lru_cache
from pathlib import Path

from handbook.errors import HandbookError, Problem
from handbook.project import Project

FIGURE = "figure"


@lru_cache(maxsize=2048)
def _tree(path: Path, stamp: float) -> ast.Module:
    try:
        return ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        shown = Project.find(path.parent).relative(path)
        problem = Problem(shown, error.lineno, f"不合 Python 语法：{error.msg}", "改正语法", "S03")
        raise HandbookError(problem) from error


def tree(path: Path) -> ast.Module:
    """文件的语法树；不合 Python 语法时抛 HandbookError。"""
    return _tree(path, path.stat().st_mtime)


def is_figure(name: str) -> bool:
    return name == FIGURE or name.startswith(f"{FIGURE}_")


def figure_names(snippet: Path | None) -> set[str]:
    """片段里作图函数的图名：`figure` 的是空串，`figure_<名>` 的是 <名>。"""
    if snippet is None or snippet.suffix != ".py":
        return set()
    return {
        node.name.removeprefix(FIGURE).removeprefix("_")
        for node in tree(snippet).body
        if isinstance(node, ast.FunctionDef) and is_figure(node.name)
    }


def test_names(test: Path) -> set[str]:
    """测试文件里的测试函数；没有文件则空。"""
    if not test.is_file():
        return set()
    return {
        node.name
        for node in ast.walk(tree(test))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def statement_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    """函数体里代码占的行；文档串、注释、空行不算。"""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    found: set[int] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.expr | ast.stmt) and not hasattr(node, "body"):
                found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            elif isinstance(node, ast.stmt):
                found.add(node.lineno)
    return found
