"""片段 → 可以从头跑到尾的 Jupyter 笔记本。

模块文档串成文字格，函数各成一格，演示去掉 `if __name__ == "__main__":` 一层缩进，最后逐个画图。
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4

from handbook.child import is_figure

_format: Any = nbformat  # nbformat 没有类型标注
_INDENT = 4
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_STRING_START = (tokenize.STRING, getattr(tokenize, "FSTRING_START", None))  # 3.12 起 f 串分开记
_STRING_END = (tokenize.STRING, getattr(tokenize, "FSTRING_END", None))


def notebook(path: Path) -> str:
    """Python 片段 `path` 的 .ipynb 文本；同样的片段逐字节相同。"""
    return from_source(path.read_text("utf-8"))


def from_source(source: str) -> str:
    """由源码生成；不执行，所以没有输出。"""
    module = ast.parse(source)
    cells: list[Any] = []
    docstring = ast.get_docstring(module)
    if docstring is not None:
        cells.append(_format.v4.new_markdown_cell(_prose(docstring)))
    cells += [
        _format.v4.new_code_cell(text) for text in _code(source, module, skip=docstring is not None)
    ]
    drawn = [n.name for n in module.body if isinstance(n, ast.FunctionDef) and is_figure(n.name)]
    for position, name in enumerate(drawn):
        magic = "" if position else "%matplotlib inline\n"
        cells.append(_format.v4.new_code_cell(f"{magic}{name}()"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # 缺省的编号是随机的
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = _format.v4.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    _format.validate(made)
    return str(_format.writes(made)) + "\n"


def _prose(docstring: str) -> str:
    """首行作标题；其余保持一行一行。"""
    title, _, rest = docstring.partition("\n")
    lines = [line + "  " if line else "" for line in rest.strip("\n").splitlines()]
    return f"# {title.rstrip('。')}\n\n" + "\n".join(lines) if lines else f"# {title.rstrip('。')}"


def _code(source: str, module: ast.Module, *, skip: bool) -> Iterator[str]:
    """各代码格：定义各成一格，相连的其余语句合成一格；语句之前的注释随着它。"""
    lines = source.splitlines(keepends=True)
    nodes = module.body[1:] if skip else module.body
    end = module.body[0].end_lineno or 0 if skip else 0
    plain = ""  # 还没有成格的其余语句
    for node in nodes:
        stop = node.end_lineno or end
        text = "".join(lines[end:stop])
        end = stop
        if not isinstance(node, _DEFINITIONS) and not _is_demo(node):
            plain += text
            continue
        if plain.strip():
            yield plain.strip("\n")
        plain = ""
        yield (_dedented(text) if _is_demo(node) else text).strip("\n")
    plain += "".join(lines[end:])
    if plain.strip():
        yield plain.strip("\n")


def _is_demo(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def _dedented(demo: str) -> str:
    """去掉 `if` 那一行与一层缩进；多行字符串里面的行原样不动。"""
    inside: set[int] = set()
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(demo).readline):
        if token.type in _STRING_START:
            start = token.start[0]
        if token.type in _STRING_END:
            inside |= set(range(start + 1, token.end[0] + 1))
    kept = []
    for number, line in enumerate(demo.splitlines(keepends=True), start=1):
        if line.startswith("if __name__"):
            continue
        indented = line.startswith(" " * _INDENT) and number not in inside
        kept.append(line[_INDENT:] if indented else line)
    return "".join(kept)
