"""一页的骨架：标题的次序与认领、汉字数、占位、代码围栏与图（P02、P04、P10–P13）。

一句话回答、结论、易错点、追问各自的写法（P03、P05–P07）在 answers.py。
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from handbook.catalog import Catalog, Page
from handbook.checks import answers
from handbook.checks.code import figure_names
from handbook.checks.leaves import han
from handbook.checks.report import Report, report_to
from handbook.checks.tree import Block, Document, parse
from handbook.directives import FIGURE, SNIPPET, scan
from handbook.errors import Problem

CODE = "代码验证"
SECTIONS = ("一句话回答", "详细解答", CODE, "易错点", "面试追问", "参考文献")
LIMITS = {"derivation": (1000, 3600), "code": (1000, 3600), "open": (600, 1900)}
OTHERS = (750, 2600)
FENCES = {"bash", "text"}
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX)\b|待补|待写|待续|未完|此处省略|……略|（略）|敬请期待"
)
_DOTS = re.compile(r"[\s…。.，、—-]*")


def expected_sections(page: Page) -> tuple[str, ...]:
    return tuple(s for s in SECTIONS if s != CODE or page.meta.has_code)


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    problems: list[Problem] = []
    for page in pages:
        report = report_to(problems, catalog.project, page.path)
        document = parse(page.source)
        for part in (sections, asks, length, placeholders, fences, directives):
            part(page, document, report)
        answers.check_page(page, document, report)
    return problems


def sections(page: Page, document: Document, report: Report) -> None:
    """P02：二级标题恰为规定的几个，次序固定，都不空；没有一级标题。"""
    want = expected_sections(page)
    got = tuple(s.title for s in document.sections)
    if got != want:
        unequal = (i for i, (a, b) in enumerate(zip(got, want, strict=False)) if a != b)
        at = next(unequal, min(len(got), len(want)))
        line = document.sections[at].line if at < len(got) else page.source.body_line
        message = f"二级标题是「{'、'.join(got) or '无'}」"
        report(line, message, f"改为「{'、'.join(want)}」，次序不变", "P02")
    for section in document.sections:
        if not section.nodes:
            report(section.line, f"「{section.title}」是空的", "写上内容", "P02")
    for block in document.blocks:
        node = block.inside("heading")
        if node and node.tag == "h1":
            report(block.line, "正文里有一级标题", "题名只写在题头；这里用三级标题", "P02")


def claims(document: Document) -> Iterator[tuple[int, Block]]:
    """各标题认领的要点编号；写得不对的编号记作 0。"""
    for block in document.blocks:
        if block.kind == "heading":
            for number in (block.attrs.get("data-asks") or "").split():
                yield (int(number) if number.isdecimal() else 0), block


def asks(page: Page, document: Document, report: Report) -> None:
    """P04：每个要点恰由一个标题认领，认领的标题下有内容。"""
    claimed = list(claims(document))
    count = Counter(number for number, _ in claimed)
    for number, block in claimed:
        if not 1 <= number <= len(page.asks):
            fix = f"编号取 1–{len(page.asks)}" if page.asks else "清单里没有要点，删去 data-asks"
            report(block.line, f"标题认领了没有的要点「{block.attrs['data-asks']}」", fix, "P04")
        elif count[number] > 1:
            report(block.line, f"要点 {number} 被认领了 {count[number]} 次", "只留一个标题", "P04")
        elif not _has_content(document, block):
            report(block.line, f"认领要点 {number} 的标题下没有内容", "写上回答", "P04")
    for number, ask in enumerate(page.asks, start=1):
        if not count[number]:
            fix = f'在回答它的标题末尾写 {{data-asks="{number}"}}'
            report(document.detail_line, f"要点 {number}「{ask}」没有标题认领", fix, "P04")


def _has_content(document: Document, heading: Block) -> bool:
    after = document.blocks[document.blocks.index(heading) + 1 :]
    return bool(after) and after[0].kind != "heading"


def length(page: Page, document: Document, report: Report) -> None:
    """P10：汉字数；参考文献、公式与代码不计。"""
    total = sum(han(b.text) for b in document.blocks if not b.inside("footnote_reference"))
    low, high = LIMITS.get(page.kind, OTHERS)
    if not low <= total <= high:
        fix = f"{page.kind} 题写 {low}–{high} 个：" + ("补足" if total < low else "删去重复与枝节")
        report(page.source.key_line("title"), f"全页 {total} 个汉字", fix, "P10")


def placeholders(page: Page, document: Document, report: Report) -> None:
    """P11：占位文字，或只有省略号的段落。"""
    for block in document.blocks:
        for leaf in block.of("text", "html_block", "html_inline"):
            for found in _PLACEHOLDER.findall(leaf.text):
                report(leaf.line, f"占位文字「{found}」", "写上真正的内容", "P11")
        if block.kind == "paragraph" and _DOTS.fullmatch(block.raw):
            report(block.line, f"段落里只有「{block.raw}」", "写上真正的内容", "P11")


def fences(page: Page, document: Document, report: Report) -> None:
    """P12：代码围栏只装命令与文本输出；P13：图不用 Markdown 的图片语法。"""
    for block in document.blocks:
        language = block.attrs.get("info") or ""
        if block.kind == "fence" and language not in FENCES:
            message = f"代码围栏的语言是「{language or '无'}」"
            report(block.line, message, "代码写进片段；命令用 bash，文本输出用 text", "P12")
        elif block.kind == "code_block" and not block.inside("container_figure"):
            fix = "要代码就写进片段；不是代码就去掉缩进，或在它前面的块里补一个空行"
            report(block.line, "缩进四格成了代码块", fix, "P12")
        for image in block.of("image"):
            report(image.line, f"图片 {image.text}", "用 /// figure 引入片段画的图", "P13")


def directives(page: Page, document: Document, report: Report) -> None:
    """P12：「代码验证」里恰有一个 /// snippet，别处没有；P13：图与片段的作图函数一一对应。"""
    found = scan(page.source.body.splitlines())
    first = page.source.body_line
    for directive in found:
        rule = "P13" if directive.kind == FIGURE else "P12"
        for line, message, fix in directive.faults:
            report(line + first - 1, message, fix, rule)
    snippets = [d.line + first - 1 for d in found if d.kind == SNIPPET]
    section = document.section(CODE)
    if section and len(snippets) != 1:
        line = snippets[1] if snippets else section.line
        report(line, f"有 {len(snippets)} 个 /// snippet", "在「代码验证」里写恰好一个", "P12")
    for line in snippets:
        if not section or line < section.line:
            report(line, "/// snippet 不在「代码验证」里", "移到那一节", "P12")
    drawn = figure_names(page.snippet)
    shown = [d for d in found if d.kind == FIGURE]
    for directive in shown:
        if directive.name not in drawn:
            function = f"figure_{directive.name}" if directive.name else "figure"
            report(
                directive.line + first - 1,
                f"片段里没有 {function}()",
                "改正图名，或补上函数",
                "P13",
            )
    for name in sorted(drawn - {d.name for d in shown}):
        call = f"/// figure | {name}" if name else "/// figure"
        report(
            document.detail_line,
            f"片段画的图「{name or 'figure'}」没有用上",
            f"写 {call}，或删去函数",
            "P13",
        )
