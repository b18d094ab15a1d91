"""片段里哪些语法节点值得变异：略去注解、说明文字、打印与作图的装饰，留下算数的部分。

- 文档串、类型注解、f-string、raise 语句不动；随机种子不动（换个种子不是错）。
- `__main__` 里 print 语句不动，其余语句不动字面量：那是演示的输入，测试不必钉死。
- `figure…()` 里只动流进绘图数据的表达式（由绘图调用的数据参数往回找赋值）；坐标网格的范围不动。
"""

import ast
from collections.abc import Iterator
from typing import TypeGuard

from handbook.mutation_figures import figure_data
from handbook.mutation_ops import called, is_axis, is_number

_SEEDED = {"default_rng", "RandomState", "seed", "manual_seed", "PCG64"}
_GRIDS = {"linspace", "logspace", "geomspace", "arange", "meshgrid"}
_SKIPPED = (ast.JoinedStr, ast.Raise, ast.Import, ast.ImportFrom, ast.Global, ast.Pass)


def _is_main(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _is_text(node: ast.AST) -> bool:
    """文档串，或单独的字符串。"""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """要往下看的子节点：注解不在其中。"""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _walk(node: ast.AST, *, literals: bool, grids: bool) -> Iterator[ast.AST]:
    if isinstance(node, _SKIPPED) or _is_text(node) or called(node) in _SEEDED:
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("figure"):
        for part in figure_data(node):
            yield from _walk(part, literals=literals, grids=False)
        return
    if not literals and isinstance(node, ast.Expr) and called(node.value) == "print":
        return
    if is_number(node):
        if literals:
            yield node
        return
    if _is_main(node):
        for statement in node.body:
            yield from _walk(statement, literals=False, grids=grids)
        return
    yield node
    if is_axis(node) or (not grids and called(node) in _GRIDS):
        return
    for child in _children(node):
        yield from _walk(child, literals=literals, grids=grids)


def targets(tree: ast.Module) -> list[ast.AST]:
    """值得变异的节点，按源码的次序，各一次。"""
    found = {id(node): node for node in _walk(tree, literals=True, grids=True)}
    return list(found.values())
