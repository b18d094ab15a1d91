"""片段的写法：文档串（S02）、可以导入的库（S03）、长短（S04）、全局状态与随机数（S06）。

测试的写法（T02、T04）在 written_tests.py。能不能跑、输出是否稳定由 handbook.runner 管。
"""

import ast
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from handbook.catalog import Catalog, Page
from handbook.checks import written_tests
from handbook.checks.code import is_figure, statement_lines, tree
from handbook.checks.report import Report, report_to
from handbook.errors import Problem
from handbook.recorded import is_recorded

COLUMNS = 100
BODY = (15, 100)  # 作图函数与 __main__ 之外的非空行；规则里的 60 是劝告，100 是硬上限
FUNCTION = 10
_SOURCE = re.compile(r"^\s*(?:\*|//)?\s*出处：\S", re.MULTILINE)
_SHAPES = re.compile(r"^\s*(?:\*|//)?\s*(?:形状|单位)：\S", re.MULTILINE)
_NO_COVER = re.compile(r"pragma:\s*no\s*cover", re.IGNORECASE)
_RANDOM = {"default_rng", "Generator", "SeedSequence"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    problems: list[Problem] = []
    for page in pages:
        for path in filter(None, (page.snippet, page.test)):
            if path.is_file():
                report = report_to(problems, catalog.project, path)
                text = path.read_text("utf-8")
                _lines(text, report)
                if path == page.test:
                    written_tests.check_file(path, report)
                else:
                    _snippet(path, text, report)
    return problems


def _lines(text: str, report: Report) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
        if width > COLUMNS:
            report(number, f"这一行有 {width} 列", f"折成不超过 {COLUMNS} 列", "S04")
        if _NO_COVER.search(line):
            report(number, "用了 pragma: no cover", "删去它，让测试走到这一行", "T02")


def _snippet(path: Path, text: str, report: Report) -> None:
    if path.suffix != ".py":
        _docstring(text[: text.find("\n#")], report)
        _length(sum(bool(line.strip()) for line in text.split("\n")), report)
        return
    module = tree(path)
    _docstring(ast.get_docstring(module) or "", report)
    for part in (_functions, _imports, _state):
        part(module, is_recorded(path), report)
    apart = [n for n in module.body if _is_apart(n)]
    rows = {row for n in apart for row in range(n.lineno, (n.end_lineno or n.lineno) + 1)}
    lines = enumerate(text.split("\n"), start=1)
    _length(sum(bool(line.strip()) and number not in rows for number, line in lines), report)


def _docstring(doc: str, report: Report) -> None:
    """S02：开头写明出处与形状。"""
    if not _SOURCE.search(doc):
        report(1, "文档串没有「出处：」", "另起一行写出处：论文与算法、章节号、链接", "S02")
    if not _SHAPES.search(doc):
        report(1, "文档串没有「形状：」或「单位：」", "另起一行写各符号的形状或单位", "S02")


def _length(count: int, report: Report) -> None:
    low, high = BODY
    if not low <= count <= high:
        fix = "拆出枝节，或删去与题目无关的" if count > high else "把题目要的写全"
        report(1, f"主体 {count} 行，应在 {low}–{high} 行", fix, "S04")


def _is_apart(node: ast.stmt) -> bool:
    """作图函数与 `if __name__ == "__main__":` 不计入主体。"""
    if isinstance(node, ast.If):
        return ast.unparse(node.test).replace("'", '"') == '__name__ == "__main__"'
    return isinstance(node, ast.FunctionDef) and is_figure(node.name)


def _defined(body: list[ast.stmt]) -> Iterator[_Function]:
    """模块与类里的函数；函数里的函数不算。"""
    for node in body:
        if isinstance(node, _Function):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from _defined(node.body)


def _functions(module: ast.Module, recorded: bool, report: Report) -> None:
    """S02：公开的函数有文档串；S04：函数不超过十行。"""
    for function in _defined(module.body):
        if is_figure(function.name):
            continue
        if not function.name.startswith("_") and not ast.get_docstring(function):
            fix = "写一行：算的是哪个式子，各参数与返回值的形状"
            report(function.lineno, f"{function.name}() 没有文档串", fix, "S02")
        count = len(statement_lines(function))
        if count > FUNCTION:
            message = f"{function.name}() 有 {count} 行"
            report(function.lineno, message, f"拆成不超过 {FUNCTION} 行、一式一函数", "S04")
    if not any(_is_apart(n) and isinstance(n, ast.If) for n in module.body):
        fix = '写 if __name__ == "__main__":，打印读者能预料的结果'
        report(1, "没有演示", fix, "S05")


def _imports(module: ast.Module, recorded: bool, report: Report) -> None:
    """S03：只用标准库与 NumPy；作图函数里可用 Matplotlib；录好输出的还可用 PyTorch。"""
    drawing = [n for n in module.body if isinstance(n, ast.FunctionDef) and is_figure(n.name)]
    inside = {id(n) for function in drawing for n in ast.walk(function)}
    allowed = sys.stdlib_module_names | {"numpy"} | ({"torch"} if recorded else set())
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            top = name.split(".")[0]
            helper = top.startswith("_") and isinstance(node, ast.ImportFrom)
            if (
                top not in allowed
                and not helper
                and not (top == "matplotlib" and id(node) in inside)
            ):
                report(node.lineno, f"导入了 {name}", _import_fix(top), "S03")


def _import_fix(top: str) -> str:
    if top == "matplotlib":
        return "移进 figure() 里面"
    if top == "torch":
        return "改用 NumPy；非用 PyTorch 不可的，录下输出：python -m handbook.recorded"
    return "只用标准库与 NumPy；拿来比较的库放在测试里"


def _state(module: ast.Module, recorded: bool, report: Report) -> None:
    """S06：没有 global，随机数来自播了种的 default_rng。"""
    for node in ast.walk(module):
        if isinstance(node, ast.Global):
            report(node.lineno, "改写全局变量", "作为参数传入、作为返回值传出", "S06")
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        if last == "default_rng" and not (node.args or node.keywords):
            report(node.lineno, "随机数没有播种", "写 np.random.default_rng(0)", "S06")
        elif re.fullmatch(r"(?:np|numpy)\.random\.\w+", name) and last not in _RANDOM:
            report(node.lineno, f"{name}() 用全局的随机状态", "用 default_rng(种子)", "S06")
