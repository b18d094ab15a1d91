"""记号（M02）：公式里的符号要么在记号表里，要么在本页第一次出现处单独成一个行内公式来介绍。

介绍可以在第一次用到的那一段里，或紧跟着的那一段（独立公式之后的「其中 $v$ 是……」）。
"""

from collections.abc import Iterator, Sequence

from handbook.catalog import Catalog, Page
from handbook.checks.formula import bound, introduced, symbols
from handbook.checks.leaves import INLINE_MATH, MATH, Leaf
from handbook.checks.report import report_to
from handbook.checks.tree import Block, parse
from handbook.errors import Problem
from handbook.katex import Katex, MathError, shared
from handbook.page import read_source

EVERYWHERE = "全书"


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    katex = shared(catalog.project)
    table = notation(catalog, katex)
    problems: list[Problem] = []
    for page in pages:
        report = report_to(problems, catalog.project, page.path)
        known = table[EVERYWHERE] | table.get(page.chapter.title, set())
        for name, leaf in unknown(parse(page.source).blocks, known, katex):
            fix = f"在此之前或同一段里写一个行内公式介绍它（${name}$ 是……），或加进记号表"
            report(leaf.line, f"符号 {name} 没有介绍", fix, "M02")
    return problems


def notation(catalog: Catalog, katex: Katex) -> dict[str, set[str]]:
    """docs/about/notation.md 的各表：范围 → 符号。"""
    path = catalog.project.docs / "about" / "notation.md"
    source = read_source(path, catalog.project.relative(path))
    table: dict[str, set[str]] = {EVERYWHERE: set()}
    row: list[Block] = []
    for block in parse(source).blocks:
        if block.kind != "td":
            continue
        row.append(block)
        if len(row) == 3:
            found = {
                name
                for leaf in row[0].of(*INLINE_MATH)
                for name in symbols(katex.parse(leaf.text, display=False))
            }
            for scope in row[2].text.split("、"):
                table.setdefault(scope.strip(), set()).update(found)
            row = []
    return table


def unknown(blocks: Sequence[Block], known: set[str], katex: Katex) -> Iterator[tuple[str, Leaf]]:
    """没有介绍就用了的符号与它第一次出现的地方；每个符号只报一次。"""
    known = set(known)
    waiting: dict[str, Leaf] = {}
    for block in blocks:
        for leaf in block.of(*MATH):
            tree = _tree(leaf, katex)
            if leaf.kind in INLINE_MATH:
                known |= introduced(tree)
            local = set(bound(tree))
            for name in symbols(tree):
                if name not in known and name not in local:
                    waiting.setdefault(name, leaf)
        for name in [n for n in waiting if n in known]:
            del waiting[name]
        if block.kind != "math_block" and waiting:
            late = [n for n, leaf in waiting.items() if leaf not in block.leaves]
            for name in late:
                yield name, waiting.pop(name)
                known.add(name)
    yield from waiting.items()


def _tree(leaf: Leaf, katex: Katex) -> list[dict[str, object]]:
    try:
        return katex.parse(leaf.text, display=leaf.kind != "math_inline")
    except MathError:
        return []  # 排不出的公式由 handbook.md_math 报 M01
