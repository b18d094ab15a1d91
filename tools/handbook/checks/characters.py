"""字符（M03）与公式里禁用的宏（M04）：看不见的、全角的、形近而不同的字符，人眼挑不出来。"""

import ast
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from handbook.catalog import Catalog, Page
from handbook.checks.code import tree
from handbook.checks.files import plain_files
from handbook.checks.leaves import INLINE_MATH
from handbook.checks.report import Report, report_to
from handbook.checks.tree import parse
from handbook.errors import Problem

_SPACES = {*"\u00a0\u1680\u202f\u205f\u3000", *map(chr, range(0x2000, 0x200B))}
_HIDDEN = {c for c in map(chr, range(0x80, 0x10000)) if unicodedata.category(c) in ("Cf", "Cc")}
_HIDDEN |= {"\u2028", "\u2029", *map(chr, range(0xE0000, 0xE0080))}
_WIDE = {chr(c) for c in range(0xFF10, 0xFF5B) if chr(c).isalnum()}
_CYRILLIC = set(map(chr, range(0x0400, 0x0530)))
_KINDS = (
    (_HIDDEN, "不可见字符"),
    (_SPACES, "异常空格"),
    (_WIDE, "全角字母或数字"),
    (_CYRILLIC, "西里尔字母"),
)
_SUSPECTS = frozenset(_HIDDEN | _SPACES | _WIDE | _CYRILLIC)
_BAD = re.compile(f"[{''.join(sorted(_SUSPECTS))}]")
_MACROS = re.compile(
    r"\\(?:[gex]?def|let|futurelet|newcommand|renewcommand|providecommand|color|textcolor"
    r"|colorbox|fcolorbox|href|url|includegraphics|htmlClass|htmlId|htmlStyle|htmlData)(?![A-Za-z])"
)
_LITERALS = re.compile(r'"""(?s:.*?)"""|"(?:[^"\\\n]|\\.)*"|#.*')
_TEXT = re.compile(r"\\(?:text|textrm|textbf|textit|tag)\{[^{}]*\}")


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    problems: list[Problem] = []
    for page in pages:
        report = report_to(problems, catalog.project, page.path)
        hidden(page.path.read_text("utf-8"), report)
        _formulas(page, report)
        for path in filter(None, (page.snippet, page.test)):
            if path.is_file():
                python_report = report_to(problems, catalog.project, path)
                hidden(path.read_text("utf-8"), python_report)
                if path.suffix == ".py":
                    names(path, python_report)
    for path in plain_files(catalog) if len(pages) == len(catalog.pages) else ():
        hidden(path.read_text("utf-8"), report_to(problems, catalog.project, path))
    return problems


def hidden(text: str, report: Report) -> None:
    """整个文件：不可见字符、异常空格、全角字母数字、西里尔字母。"""
    if _SUSPECTS.isdisjoint(text):  # 比逐行跑正则快十倍
        return
    for number, line in enumerate(text.split("\n"), start=1):
        for match in _BAD.finditer(line):
            char = match[0]
            kind = next(name for group, name in _KINDS if char in group)
            message = f"第 {match.start() + 1} 列有{kind} {_name(char)}"
            report(number, message, _fix(char, kind), "M03")


def _name(char: str) -> str:
    return f"U+{ord(char):04X}（{unicodedata.name(char, '未命名')}）"


def _fix(char: str, kind: str) -> str:
    if kind == "不可见字符":
        return "删去它"
    if kind == "异常空格":
        return "换成普通空格"
    plain = unicodedata.normalize("NFKC", char)
    return f"换成 {plain}" if plain.isascii() else "换成形近的拉丁字母"


def _formulas(page: Page, report: Report) -> None:
    """公式里除 \\text{…} 外只有 ASCII；行内代码里没有非 ASCII 的字母。"""
    for block in parse(page.source).blocks:
        for leaf in block.of(*INLINE_MATH, "math_block"):
            for line, part in enumerate(leaf.text.split("\n"), start=leaf.line):
                for macro in _MACROS.findall(part):
                    fix = "改用不带宏的写法；强调靠文字，不靠颜色与链接"
                    report(line, f"公式里有禁用的 {macro}", fix, "M04")
                for char in sorted(set(_TEXT.sub("", part))):
                    if not char.isascii() and not _BAD.match(char):
                        report(line, f"公式里有 {char} {_name(char)}", _formula_fix(char), "M03")
        for leaf in block.of("code_inline"):
            for char in sorted({c for c in leaf.text if _is_greek(c)}):
                fix = "代码里的名字只用 ASCII；变量名写成 gamma、x_hat 这样"
                report(leaf.line, f"代码里有 {char} {_name(char)}", fix, "M03")


def _formula_fix(char: str) -> str:
    if _is_greek(char):
        return f"写成 LaTeX 命令，如 \\{unicodedata.name(char).split()[-1].lower()}"
    if "\u3400" <= char <= "\u9fff":
        return r"汉字放进 \text{}"
    return "换成 ASCII 或 LaTeX 命令；中文标点放到公式外"


def _is_greek(char: str) -> bool:
    return unicodedata.name(char, "").startswith("GREEK")


def names(path: Path, report: Report) -> None:
    """Python 标识符只用 ASCII；注释与文字里可以有希腊字母。"""
    if _LITERALS.sub("", path.read_text("utf-8")).isascii():  # 不必走遍语法树
        return
    found = {
        (getattr(node, "lineno", 1), name)
        for node in ast.walk(tree(path))
        for field in ("id", "arg", "attr", "name", "asname")
        if isinstance(name := getattr(node, field, None), str) and not name.isascii()
    }
    for line, name in sorted(found):
        fix = "改用 ASCII 名字，如 gamma、x_hat"
        report(line, f"标识符 {name} 不是 ASCII", fix, "M03")
