"""散文里的小数有来处（P16）：出自本页代码的输出，或所在段落引用了出处。

表格与列表里的，引出它的那一段（以冒号结尾）有出处也算；整数、版本号、节号、mAP@0.5 这样的名字不查。
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handbook.catalog import Catalog, Page
from handbook.checks.leaves import INLINE_MATH
from handbook.checks.report import report_to
from handbook.checks.tree import Block, parse
from handbook.context import Ran
from handbook.errors import HandbookError, Problem
from handbook.runner import run_snippets

_DECIMAL = re.compile(
    r"(?<![\w.@§-])(?<!§ )(?P<number>\d[\d,]*\.\d+)(?P<percent>\s?%)?(?![\w.]*\d)"
)
_FORMULA = re.compile(r"[-+]?(?P<number>\d+\.\d+)(?P<percent>\\%)?")
_VERSION = re.compile(
    r"(?:Python|PyTorch|torchvision|TensorFlow|Keras|Caffe|CUDA|cuDNN|NumPy|SciPy|OpenCV|ONNX"
    r"|TensorRT|scikit-learn|版本|版|第)\s?$"
)
_PRINTED = re.compile(r"\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_GROUPS = ("table", "bullet_list", "ordered_list")


@dataclass(frozen=True)
class Decimal:
    """散文里的一个小数，照原样与按数值；`digits` 是小数位数。"""

    shown: str
    value: float
    digits: int
    percent: bool
    line: int


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    ran, problems = _run(catalog, pages)
    broken = {problem.path for problem in problems}
    for page in pages:
        if catalog.project.relative(page.path) in broken:
            continue  # 片段跑不通，输出无从比起
        report = report_to(problems, catalog.project, page.path)
        output = ran[page.slug].output if page.slug in ran else ""
        for decimal in unsourced(parse(page.source).blocks, output):
            fix = "让片段打印出它（写成同样的位数），或在这一段引用出处"
            report(decimal.line, f"{decimal.shown} 不知从哪里来", fix, "P16")
    return problems


def _run(catalog: Catalog, pages: Sequence[Page]) -> tuple[dict[str, Ran], list[Problem]]:
    """跑得通的片段的结果，与跑不通的报错。"""
    paths = {page.slug: catalog.project.relative(page.path) for page in pages}
    try:
        return run_snippets(catalog, only=set(paths)), []
    except HandbookError as error:
        broken = {problem.path for problem in error.problems}
        good = {slug for slug, path in paths.items() if path not in broken}
        if len(good) == len(paths):
            raise  # 不是哪一页的片段坏了
        return run_snippets(catalog, only=good), list(error.problems)


def unsourced(blocks: Sequence[Block], output: str) -> Iterator[Decimal]:
    """既不在 `output` 里、所在段落也没有脚注的小数。"""
    printed = [float(text.replace(",", "")) for text in _PRINTED.findall(output)]
    for position, block in enumerate(blocks):
        if block.inside("footnote_reference") or _is_sourced(blocks, position):
            continue
        for decimal in decimals(block):
            if not any(_same(decimal, number) for number in printed):
                yield decimal


def decimals(block: Block) -> Iterator[Decimal]:
    line = block.line
    for part in block.prose("◻").split("\n"):
        for match in _DECIMAL.finditer(part):
            if not _VERSION.search(part[: match.start()]):
                yield _decimal(match, line)
        line += 1
    for leaf in block.of(*INLINE_MATH):
        if formula := _FORMULA.fullmatch(leaf.text):
            yield _decimal(formula, leaf.line)


def _decimal(match: re.Match[str], line: int) -> Decimal:
    text = match["number"].replace(",", "")
    digits = len(text.partition(".")[2])
    return Decimal(match[0], float(text), digits, bool(match["percent"]), line)


def _same(decimal: Decimal, printed: float) -> bool:
    """四舍五入到同样的位数后相等；百分数也可以印成小数。正负由上下文的话说明，不比。"""
    slack = 0.5 * 10**-decimal.digits * (1 + 1e-9)
    scales = (1, 100) if decimal.percent else (1,)
    return any(abs(printed * scale - decimal.value) <= slack for scale in scales)


def _is_sourced(blocks: Sequence[Block], position: int) -> bool:
    block = blocks[position]
    if block.of("footnote_ref"):
        return True
    group = next((node for node in block.within if node.type in _GROUPS), None)
    if group is None:
        return False
    if group.type == "table" and any(b.of("footnote_ref") for b in blocks if group in b.within):
        return True
    lead = next((b for b in reversed(blocks[:position]) if group not in b.within), None)
    return lead is not None and lead.raw.endswith("：") and bool(lead.of("footnote_ref"))
