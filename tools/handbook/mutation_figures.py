"""作图函数里哪些表达式流进了绘图数据：由绘图调用的数据参数往回找赋值，颜色、标签、版面不算。"""

import ast
from collections.abc import Iterable, Iterator

from handbook.mutation_ops import called

_DATA_METHODS = {
    "plot", "scatter", "bar", "barh", "hist", "hist2d", "imshow", "matshow", "contour", "contourf",
    "step", "stairs", "stem", "fill", "fill_between", "fill_betweenx", "vlines", "hlines",
    "axhline", "axvline", "axhspan", "axvspan", "errorbar", "pcolormesh", "boxplot", "violinplot",
    "quiver", "loglog", "semilogx", "semilogy", "plot_surface", "stackplot", "ecdf",
}  # fmt: skip
_DATA_KEYWORDS = {"x", "y", "height", "bottom", "left", "yerr", "xerr", "weights", "density"}


def _root(node: ast.AST) -> str:
    """a.b(c)[d] → a。"""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _roots(node: ast.AST) -> set[str]:
    """(a.x, b[0]) → {a, b}。"""
    return {_root(part) for part in getattr(node, "elts", [node])}


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _bindings(function: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """函数里的（目标，值）：赋值、循环，以及 `xs.append(y)` 一类就地修改。"""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield from ((target, node.value) for target in node.targets)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value:
            yield node.target, node.value
        elif isinstance(node, (ast.For, ast.comprehension)):
            yield from _loop(node.target, node.iter)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from ((node.value.func, argument) for argument in node.value.args)


def _loop(target: ast.expr, source: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """`for a, b in zip(xs, ys)` 里 a 来自 xs、b 来自 ys；enumerate 同理。"""
    if isinstance(target, ast.Tuple) and isinstance(source, ast.Call):
        if called(source) == "zip":
            yield from zip(target.elts, source.args, strict=False)
            return
        if called(source) == "enumerate":
            yield from _loop(target.elts[-1], source.args[0])
            return
    yield target, source


def _drawing(function: ast.AST) -> set[str]:
    """绑定到 Matplotlib 对象的名字：由 import 起，沿赋值传递。"""
    names = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).startswith("matplotlib")
    }
    pairs = [(t, v) for t, v in _bindings(function) if not isinstance(t, ast.Attribute)]
    while more := {n for t, v in pairs if _roots(v) & names for n in _names([t])} - names:
        names |= more
    return names


def figure_data(function: ast.AST) -> list[ast.expr]:
    """作图函数里流进绘图数据的表达式。"""
    drawing = _drawing(function)
    data = [
        part
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and called(node) in _DATA_METHODS
        and _root(node.func) in drawing
        for part in (*node.args, *(k.value for k in node.keywords if k.arg in _DATA_KEYWORDS))
    ]
    pairs = [(t, v) for t, v in _bindings(function) if not _roots(v) & drawing]
    while True:
        wanted = _names(data) - drawing
        more = [
            value
            for target, value in pairs
            if (_names([target]) if isinstance(target, ast.Tuple) else {_root(target)}) & wanted
            and not any(value is part for part in data)
        ]
        if not more:
            return sorted(data, key=lambda node: (node.lineno, node.col_offset))
        data += more
