"""参考文献：脚注的写法、正文都引用到（P08），同一文献在各页写法相同（P09）。"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode

from handbook.catalog import Catalog, Page
from handbook.checks.citation import Citation, faults, read
from handbook.checks.report import Report, report_to
from handbook.checks.tree import Document, parse
from handbook.errors import Problem

TITLE = "参考文献"
_FORM = "写作「[^键]: 作者. *题名*. 出处, 年. [标识](链接)」"


@dataclass(frozen=True)
class _Entry:
    page: Page
    line: int
    citation: Citation


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    problems: list[Problem] = []
    for page in pages:
        report = report_to(problems, catalog.project, page.path)
        _check_page(parse(page.source), report)
    wanted = {page.slug for page in pages}
    everything = [entry for page in catalog.pages.values() for entry in _entries(page)]
    return problems + [
        problem for entry, problem in _differences(catalog, everything) if entry.page.slug in wanted
    ]


def _definitions(document: Document) -> Iterator[tuple[str, int, SyntaxTreeNode]]:
    for node in document.root.walk():
        if node.type == "footnote_reference":
            yield str(node.meta["label"]), document.line(node), node


def _text(document: Document, node: SyntaxTreeNode) -> str:
    return "\n".join(block.raw for block in document.blocks_in(node))


def _entries(page: Page) -> Iterator[_Entry]:
    document = parse(page.source)
    for _, line, node in _definitions(document):
        citation = read(_text(document, node))
        if citation:
            yield _Entry(page, line, citation)


def _check_page(document: Document, report: Report) -> None:
    used = [ref for block in document.blocks for ref in block.of("footnote_ref")]
    cited = {ref.text for ref in used}
    defined: dict[str, int] = {}
    for label, line, node in _definitions(document):
        if label in defined:
            report(
                line, f"脚注 {label} 在第 {defined[label]} 行已有", "并成一条，或换一个键", "P08"
            )
        defined[label] = line
        if label not in cited:
            report(line, f"正文没有引用 [^{label}]", "在它支持的论断后面引用，或删去这条", "P08")
        citation = read(_text(document, node))
        if citation is None:
            report(line, f"参考文献 {label} 的写法不合", _FORM, "P08")
            continue
        for message, fix in faults(citation):
            report(line, message, fix, "P08")
    for ref in used:
        if ref.text not in defined:
            report(ref.line, f"没有定义脚注 [^{ref.text}]", f"在「{TITLE}」里加上这条", "P08")
    section = document.section(TITLE)
    for node in section.nodes if section else ():
        if node.type != "footnote_reference":
            report(document.line(node), f"「{TITLE}」里有脚注以外的内容", _FORM, "P08")


def _differences(catalog: Catalog, entries: list[_Entry]) -> Iterator[tuple[_Entry, Problem]]:
    """与全书第一次出现的同一标识相比，作者、题名、年份有不同的条目。"""
    first: dict[str, _Entry] = {}
    for entry in entries:
        known = first.setdefault(entry.citation.identifier, entry)
        here, there = entry.citation, known.citation
        names = (("作者", "authors"), ("题名", "title"), ("年份", "year"))
        wrong = [name for name, key in names if getattr(here, key) != getattr(there, key)]
        if wrong:
            project = catalog.project
            where = f"{project.relative(known.page.path).as_posix()}:{known.line}"
            message = f"{here.identifier} 的{'、'.join(wrong)}与 {where} 不同"
            fix = f"查原文，两处写成一样（那边是：{there.authors}. {there.title}. {there.year}）"
            path = project.relative(entry.page.path)
            yield entry, Problem(path, entry.line, message, fix, "P09")
