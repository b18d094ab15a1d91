"""测试的写法（T04）：每个测试真有断言；没有 sleep、计时、mock、跳过；hypothesis 的设置不随机。"""

import ast
from collections.abc import Iterator
from pathlib import Path

from handbook.checks.code import tree
from handbook.checks.report import Report

_BANNED = {
    "sleep": ("sleep", "删去等待，直接断言结果"),
    "perf_counter": ("计时", "比较次数或操作数，不比时间"),
    "monotonic": ("计时", "比较次数或操作数，不比时间"),
    "process_time": ("计时", "比较次数或操作数，不比时间"),
    "timeit": ("计时", "比较次数或操作数，不比时间"),
    "mock": ("mock", "用真的对象"),
    "monkeypatch": ("mock", "用真的对象，参数从外面传入"),
    "mocker": ("mock", "用真的对象"),
    "skip": ("跳过", "让它在哪里都能跑"),
    "skipif": ("跳过", "让它在哪里都能跑"),
    "skipIf": ("跳过", "让它在哪里都能跑"),
    "importorskip": ("跳过", "直接导入；缺的库加进 tools/requirements/test.in"),
    "xfail": ("xfail", "改对代码，或删去测试"),
}
# 这几个词也常作变量名，只在这些模块名之后、或被导入时才算
_COMMON = {"skip", "sleep", "mock"}
_MODULES = {"pytest", "mark", "unittest", "time", "asyncio"}
_QUIET = {"deadline": "None", "derandomize": "True"}
_RULE = "T04"


def check_file(path: Path, report: Report) -> None:
    module = tree(path)
    functions = {n.name: n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)}
    tests = [f for name, f in functions.items() if name.startswith("test_")]
    if not tests:
        report(1, "没有测试函数", "写 test_… 函数", _RULE)
    for test in tests:
        if not _asserts(test, functions, set()):
            report(test.lineno, f"{test.name} 没有断言", "断言与参考实现相等", _RULE)
    for node, name in _names(module):
        if name in _BANNED:
            what, fix = _BANNED[name]
            report(node.lineno, f"测试里有{what}（{name}）", fix, _RULE)
    _hypothesis(module, tests, report)


def _names(module: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt | ast.arg, str]]:
    """代码里提到的名字：变量、属性、参数、导入。"""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).rpartition(".")[2]
            if node.attr not in _COMMON or owner in _MODULES:
                yield node, node.attr
        elif isinstance(node, ast.Name | ast.arg):
            name = node.id if isinstance(node, ast.Name) else node.arg
            if name not in _COMMON:
                yield node, name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module_name = getattr(node, "module", None) or ""
            for name in {*module_name.split("."), *(a.name.split(".")[-1] for a in node.names)}:
                yield node, name


def _asserts(
    function: ast.FunctionDef, functions: dict[str, ast.FunctionDef], seen: set[str]
) -> bool:
    """函数里有断言，或调用了有断言的本地函数。"""
    seen.add(function.name)
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name.startswith("assert") or name in ("raises", "warns"):
                return True
            local = functions.get(name)
            if local and name not in seen and _asserts(local, functions, seen):
                return True
    return False


def _hypothesis(module: ast.Module, tests: list[ast.FunctionDef], report: Report) -> None:
    """用 @given 的测试都带 settings(deadline=None, derandomize=True)，可以先起个名字。"""
    quiet = {
        target.id
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and _is_quiet(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for test in tests:
        decorators = [ast.unparse(d) for d in test.decorator_list]
        if not any(d.startswith(("given(", "hypothesis.given(")) for d in decorators):
            continue
        if not any(_is_quiet(d) or ast.unparse(d) in quiet for d in test.decorator_list):
            fix = "加 @settings(deadline=None, derandomize=True)"
            report(test.lineno, f"{test.name} 的 hypothesis 会计时或随机", fix, _RULE)


def _is_quiet(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] != "settings":
        return False
    given = {k.arg: ast.unparse(k.value) for k in node.keywords}
    return all(given.get(key) == value for key, value in _QUIET.items())
