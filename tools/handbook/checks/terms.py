"""术语（W03）：散文里不出现术语表「不用的写法」。

题头的 aliases、引号「…」“…” 里的话、代码与公式不算：那里可以照抄别人的写法。
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from handbook.catalog import Catalog, Page
from handbook.checks.report import Report, report_to
from handbook.checks.tree import parse
from handbook.errors import HandbookError, Problem
from handbook.page import read_source
from handbook.project import Project

_QUOTED = re.compile(r"「[^「」]*」|“[^“”]*”")
_COLUMNS = 4


@dataclass(frozen=True)
class Term:
    """术语表的一行。`synonyms` 与 `forbidden` 都供搜索用，后者不许出现在散文里。"""

    name: str
    english: tuple[str, ...]
    synonyms: tuple[str, ...]
    forbidden: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Glossary:
    terms: tuple[Term, ...]

    @cached_property
    def canonical(self) -> dict[str, str]:
        """不用的写法 → 规范词。"""
        return {bad: term.name for term in self.terms for bad in term.forbidden}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """全部写法，长的在前：规范词里恰好含有另一条的不用写法时，不算。"""
        words = {w for t in self.terms for w in (t.name, *t.english, *t.synonyms, *t.forbidden)}
        return re.compile("|".join(map(_bounded, sorted(words, key=len, reverse=True))))

    def misused(self, text: str) -> list[str]:
        """`text` 里不用的写法，引号里的除外。"""
        text = _QUOTED.sub("。", text)
        if not any(bad in text for bad in self.canonical):  # 绝大多数段落到此为止
            return []
        found = self._pattern.findall(text)
        return [word for word in found if word in self.canonical]


def _bounded(word: str) -> str:
    """西文词两边不得再有西文字母、数字，以免认出更长的词的一部分。"""
    before = r"(?<![A-Za-z0-9_])" if word[0].isascii() else ""
    after = r"(?![A-Za-z0-9_])" if word[-1].isascii() else ""
    return before + re.escape(word) + after


def load_glossary(project: Project) -> Glossary:
    """读 docs/about/glossary.md 的各表；列数不对、同一写法列了两次时抛 HandbookError。"""
    path = project.docs / "about" / "glossary.md"
    problems: list[Problem] = []
    report = report_to(problems, project, path)
    cells: dict[int, list[str]] = {}
    for block in parse(read_source(path, project.relative(path))).blocks:
        if block.kind == "td":
            cells.setdefault(block.line, []).append(block.text.strip())
    terms = []
    owner: dict[str, str] = {}
    for line, row in cells.items():
        if len(row) != _COLUMNS or not row[0]:
            report(line, "这一行不是四列", "写成 规范词 | English | 同义与别名 | 不用的写法", "W03")
            continue
        english, synonyms, forbidden = (tuple(_split(cell)) for cell in row[1:])
        term = Term(row[0], english, synonyms, forbidden, line)
        terms.append(term)
        for word in (term.name, *term.synonyms, *term.forbidden):
            if word in owner:
                report(line, f"「{word}」在「{owner[word]}」那行已有", "只留一处", "W03")
            owner[word] = term.name
    if problems:
        raise HandbookError(problems)
    return Glossary(tuple(terms))


def _split(cell: str) -> list[str]:
    return [part.strip() for part in re.split("、|, ", cell) if part.strip()]


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    glossary = load_glossary(catalog.project)
    problems: list[Problem] = []
    for page in pages:
        report = report_to(problems, catalog.project, page.path)
        _report(glossary, page.meta.title, page.source.key_line("title"), report)
        for block in parse(page.source).blocks:
            if block.inside("footnote_reference"):
                continue
            line = block.line
            for part in _QUOTED.sub(_blank, block.prose("◻")).split("\n"):
                _report(glossary, part, line, report)
                line += 1
    return problems


def _blank(match: re.Match[str]) -> str:
    """引文换成句号，换行留着，行号才不变。"""
    return "。" + "\n" * match[0].count("\n")


def _report(glossary: Glossary, text: str, line: int, report: Report) -> None:
    for word in glossary.misused(text):
        fix = f"写「{glossary.canonical[word]}」；要提到这个写法就放进「」"
        report(line, f"术语「{word}」不是规范写法", fix, "W03")
