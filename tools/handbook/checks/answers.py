"""几处写法固定的内容：一句话回答（P03）、结论（P05）、易错点（P06）、面试追问（P07）。"""

import re

from markdown_it.tree import SyntaxTreeNode

from handbook.catalog import Page
from handbook.checks.code import test_names
from handbook.checks.leaves import INLINE_MATH, han
from handbook.checks.report import Report
from handbook.checks.tree import Document

LENGTH = (40, 120)
FORMULA_LENGTH = 40
_ELSEWHERE = re.compile(r"见下文|见下|如下|如上|见上|上文|下文|后文|前文")
# 一个带字体、帽子、上下标的符号算变量，不算式子
_WRAP = r"(?:\\(?:hat|bar|tilde|vec|mathbf|boldsymbol|mathcal|mathbb|mathrm)\s*)"
_VARIABLE = re.compile(
    rf"{_WRAP}*\{{?{_WRAP}*\{{?\\?[A-Za-z]+\}}*(?:[_^](?:\{{[^{{}}]*\}}|\\?\w+))*"
)
_PITFALL = re.compile(
    r"\*\*误区\*\*：(?P<wrong>.+?)。\*\*后果\*\*：(?P<effect>.+?)。\*\*正解\*\*：(?P<right>.+?)。"
    r"(?:（检验：(?P<tests>`\w+`(?:、`\w+`)*)）)?",
    re.DOTALL,
)
_SENTENCE_END = re.compile(r"[。！？]")
SENTENCES = (2, 4)
QUESTIONS = (3, 5)


def check_page(page: Page, document: Document, report: Report) -> None:
    for part in (answer, conclusion, pitfalls, questions):
        part(page, document, report)


def answer(page: Page, document: Document, report: Report) -> None:
    """P03：一段 40–120 字、可以原样说出口的话。"""
    section = document.section("一句话回答")
    if section is None or not section.nodes:
        return  # P02 已报
    if [node.type for node in section.nodes] != ["paragraph"]:
        report(section.line, "一句话回答不是恰好一段话", "并成一段，不用列表与独立公式", "P03")
        return
    (block,) = document.blocks_of("一句话回答")
    low, high = LENGTH
    if not low <= han(block.text) <= high:
        report(
            block.line, f"一句话回答有 {han(block.text)} 个汉字", f"写 {low}–{high} 个汉字", "P03"
        )
    formulas = [m for m in block.of(*INLINE_MATH) if not _VARIABLE.fullmatch(m.text)]
    for extra in formulas[1:]:
        report(
            extra.line, f"一句话回答里有第二个式子 ${extra.text}$", "至多一个，其余用话说", "P03"
        )
    for formula in formulas[:1]:
        if len(formula.text) > FORMULA_LENGTH:
            report(formula.line, f"式子太长，说不出口：${formula.text}$", "用话说出来", "P03")
    for found in _ELSEWHERE.findall(block.text):
        report(block.line, f"一句话回答里有「{found}」", "直接说出来，不指向别处", "P03")


def conclusion(page: Page, document: Document, report: Report) -> None:
    """P05：推导题恰有一个 `!!! answer`，别的题至多一个；其中恰有一个独立公式。"""
    found = dict.fromkeys(b.inside("admonition") for b in document.blocks)
    boxes = [node for node in found if node is not None and _tag(node) == "answer"]
    if page.kind == "derivation" and not boxes:
        fix = '把作为答案的公式放进 !!! answer "结论"'
        report(document.detail_line, "推导题没有 !!! answer", fix, "P05")
    for box in boxes[1:]:
        report(document.line(box), "有第二个 !!! answer", "只留作为答案的那一个", "P05")
    for box in boxes[:1]:
        count = sum(block.kind == "math_block" for block in document.blocks_in(box))
        if count != 1:
            message = f"!!! answer 里有 {count} 个独立公式"
            report(document.line(box), message, "恰留一个 $$…$$，就是代码所算的那个", "P05")


def _tag(node: SyntaxTreeNode) -> str:
    return str(node.meta.get("tag", ""))


def pitfalls(page: Page, document: Document, report: Report) -> None:
    """P06：每条写明误区、后果、正解；有代码的页面至少一条指明把关的测试，测试须存在。"""
    section = document.section("易错点")
    if section is None or not section.nodes:
        return
    known = test_names(page.test)
    shown = f"tests/snippets/{page.chapter.slug}/{page.test.name}"
    held = 0
    for node in section.nodes:
        if node.type != "bullet_list":
            report(document.line(node), "易错点里有列表以外的内容", "写成列表里的一条", "P06")
            continue
        for item in node.children:
            line = document.line(item)
            raw = "".join(block.raw for block in document.blocks_in(item))
            match = _PITFALL.fullmatch(raw.strip())
            if not match:
                fix = "写作「- **误区**：…。**后果**：…。**正解**：…。（检验：`test_…`）」"
                report(line, "易错点的写法不合", fix, "P06")
                continue
            tests = re.findall(r"\w+", match["tests"] or "")
            held += bool(tests)
            for name in tests:
                if name not in known:
                    report(line, f"{shown} 里没有 {name}", "改正函数名，或补上测试", "P06")
    if page.meta.has_code and not held:
        fix = "给代码能检验的一条写上（检验：`test_…`）"
        report(section.line, "易错点没有一条由测试把关", fix, "P06")


def questions(page: Page, document: Document, report: Report) -> None:
    """P07：3–5 条可折叠的追问，第一条展开；各有 2–4 句回答。"""
    section = document.section("面试追问")
    if section is None or not section.nodes:
        return
    low, high = QUESTIONS
    if not low <= len(section.nodes) <= high:
        report(section.line, f"有 {len(section.nodes)} 条追问", f"写 {low}–{high} 条", "P07")
    for position, node in enumerate(section.nodes):
        line = document.line(node)
        state = "open" if position == 0 else "closed"
        mark = "???+" if position == 0 else "???"
        if node.type != "admonition" or _tag(node) != "question":
            report(line, "追问里有别的内容", f'写成 {mark} question "…？"', "P07")
            continue
        if f"collapsible-{state}" not in str(node.attrs["class"]):
            report(line, f"第 {position + 1} 条追问的标记不对", f"用 {mark} question", "P07")
        title, *body = document.blocks_in(node)
        if not title.raw.endswith("？"):
            report(line, f"追问「{title.raw}」不以问号结尾", "写成一个问句，以「？」结尾", "P07")
        text = "".join(block.text for block in body)
        count = len(_SENTENCE_END.findall(text))
        if not SENTENCES[0] <= count <= SENTENCES[1]:
            message = f"追问的回答有 {count} 句"
            report(line, message, f"写 {SENTENCES[0]}–{SENTENCES[1]} 句", "P07")
