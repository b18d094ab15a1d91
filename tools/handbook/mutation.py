"""变异体：把片段改坏一处。只在字节上替换那个节点，其余照旧，行号与注释不变。"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from handbook.mutation_ops import changes
from handbook.mutation_scope import targets


@dataclass(frozen=True)
class Mutant:
    """`before`、`after` 是改动的一小段；`line_after` 是改后的整行（几行则连成一行，不含注释）。"""

    line: int
    before: str
    after: str
    line_after: str
    source: str

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


def tidy(code: str) -> str:
    """去掉行末注释与多余的空白，供比较与显示。"""
    lines = [re.sub(r"(?:^|\s{2,})#\s.*$", "", line) for line in code.splitlines()]
    return " ".join(" ".join(lines).split())


class _Swap(ast.NodeTransformer):
    """把树里的一个节点（按身份）换成另一个。"""

    def __init__(self, old: ast.AST, new: ast.AST):
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _shape(source: str) -> str:
    """一条顶层语句的语法树；连语法都不对则空。"""
    try:
        return ast.dump(ast.parse(source).body[0])
    except SyntaxError:  # 少了括号
        return ""


def _splice(raw: bytes, begin: int, end: int, text: str, expected: str) -> bytes:
    """在字节上替换；结合得不对（语法树不是预期的）就加括号。"""
    for candidate in (text, f"({text})"):
        changed = raw[:begin] + candidate.encode() + raw[end:]
        if _shape(changed.decode()) == expected:
            return changed
    raise AssertionError(f"替换成 {text} 后语法树不对")


def _of_statement(top: ast.stmt, lines: list[bytes]) -> Iterator[Mutant]:
    """一条顶层语句（一个函数）的变异体；只重解析这一段，比重解析全文快一个量级。"""
    holder = ast.Module([top], [])
    first = min([top.lineno, *(d.lineno for d in getattr(top, "decorator_list", []))]) - 1
    last = top.end_lineno or top.lineno
    before, raw, after = (
        b"".join(part) for part in (lines[:first], lines[first:last], lines[last:])
    )
    starts = list(itertools.accumulate(map(len, lines[first:last]), initial=0))
    seen = {ast.dump(top)}
    for old, new in [change for node in targets(holder) for change in changes(node)]:
        _Swap(old, new).visit(holder)
        expected = ast.dump(holder.body[0])
        _Swap(new, old).visit(holder)
        if expected in seen:
            continue
        seen.add(expected)
        assert isinstance(old, (ast.expr, ast.stmt)) and old.end_lineno and old.end_col_offset
        row, end_row = old.lineno - 1 - first, old.end_lineno - 1 - first
        begin, end = starts[row] + old.col_offset, starts[end_row] + old.end_col_offset
        text = ast.unparse(new)
        changed = _splice(raw, begin, end, text, expected)
        rest = len(raw) - starts[end_row + 1]
        yield Mutant(
            line=old.lineno,
            before=tidy(raw[begin:end].decode()),
            after=text,
            line_after=tidy(changed[starts[row] : len(changed) - rest].decode()),
            source=(before + changed + after).decode(),
        )


def mutants_of(source: str) -> list[Mutant]:
    """`source` 的全部变异体，按位置排；结果相同的只留一个。"""
    lines = source.encode().splitlines(keepends=True)
    found = [m for top in ast.parse(source).body for m in _of_statement(top, lines)]
    return sorted(found, key=lambda mutant: mutant.line)


def sampled(mutants: list[Mutant], limit: int) -> list[Mutant]:
    """至多 `limit` 个，在全文里均匀地取；同样的源码总取同样的。"""
    if len(mutants) <= limit:
        return mutants
    return [mutants[i * len(mutants) // limit] for i in range(limit)]
