"""重复的段落（P17）：两页里有大半相同的长段落，说明有一页答了邻题的内容，应改成链接。"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from handbook.catalog import Catalog, Page
from handbook.checks.leaves import HAN
from handbook.checks.tree import parse
from handbook.errors import Problem

SHORTEST = 60  # 汉字；更短的相同多半是同一个定义
GRAM = 6
SAME = 0.5  # 较短的一段里有这么多连续六字在另一段也出现


@dataclass(frozen=True, eq=False)  # 按对象比较：用作计数的键
class _Paragraph:
    page: Page
    line: int
    grams: frozenset[str]


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    """每一对只报一次，报在阅读次序靠后的那一页。"""
    wanted = {page.slug for page in pages}
    project = catalog.project
    problems = []
    for earlier, later, share in pairs(catalog.pages.values()):
        if wanted & {earlier.page.slug, later.page.slug}:
            where = f"{project.relative(earlier.page.path).as_posix()}:{earlier.line}"
            message = f"这一段与 {where} 有 {share:.0%} 相同"
            fix = "留在答这个问题的那一页，这里给链接"
            path = project.relative(later.page.path)
            problems.append(Problem(path, later.line, message, fix, "P17"))
    return problems


def pairs(pages: Iterable[Page]) -> Iterator[tuple[_Paragraph, _Paragraph, float]]:
    """不同页上相似的两段与相同的比例。倒排表使耗时与相同的字串数成正比，不必两两比较。"""
    where: defaultdict[str, list[_Paragraph]] = defaultdict(list)
    for page in pages:
        found = list(_paragraphs(page))
        for later in found:
            common = Counter(earlier for gram in later.grams for earlier in where[gram])
            for earlier, count in common.items():
                share = count / min(len(earlier.grams), len(later.grams))
                if share >= SAME:
                    yield earlier, later, share
        for paragraph in found:
            for gram in paragraph.grams:
                where[gram].append(paragraph)


def _paragraphs(page: Page) -> Iterator[_Paragraph]:
    for block in parse(page.source).blocks:
        if block.inside("footnote_reference"):
            continue
        text = "".join(HAN.findall(block.text))
        if len(text) >= SHORTEST:
            grams = frozenset(text[i : i + GRAM] for i in range(len(text) - GRAM + 1))
            yield _Paragraph(page, block.line, grams)
