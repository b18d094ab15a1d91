"""行内的内容摊平成一段段：文字、代码、公式、链接、脚注引用，各带行号。"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown.extensions.attr_list import AttrListTreeprocessor, get_attrs_and_remainder
from markdown_it.tree import SyntaxTreeNode

INLINE_MATH = ("math_inline", "math_inline_double")
MATH = (*INLINE_MATH, "math_block")
BREAKS = ("softbreak", "hardbreak")
HAN = re.compile(r"[\u3400-\u9fff]")


def han(text: str) -> int:
    """汉字数。"""
    return len(HAN.findall(text))


@dataclass(frozen=True)
class Leaf:
    """一段文字、代码、公式，或一个链接、图片、脚注引用；`line` 是文件里的行号。"""

    kind: str
    text: str
    line: int


def split_heading(heading: str) -> tuple[str, dict[str, str | None]]:
    """标题文字与末尾的属性；属性由 Python-Markdown 自己的 attr_list 解析，与成品一致。"""
    match = AttrListTreeprocessor.HEADER_RE.search(heading)
    if not match:
        return heading, {}
    pairs, _ = get_attrs_and_remainder(match[1])
    return heading[: match.start()], dict(pairs)


def without_attrs(leaf: Leaf) -> Leaf:
    return Leaf(leaf.kind, split_heading(leaf.text)[0], leaf.line)


def leaves(node: SyntaxTreeNode, line: list[int]) -> Iterator[Leaf]:
    """行内节点摊平；`line` 是装着当前行号的单元素列表，遇换行加一。"""
    for child in node.children:
        at = line[0]
        if child.type == "link":
            yield Leaf("link", str(child.attrs.get("href", "")), at)
        elif child.type == "image":
            yield Leaf("image", str(child.attrs.get("src", "")), at)
        elif child.type == "strong":
            yield Leaf("strong", "", at)
        elif child.type == "footnote_ref":
            yield Leaf("footnote_ref", str(child.meta["label"]), at)
        elif child.type in BREAKS:
            yield Leaf(child.type, "\n", at)
            line[0] += 1
        elif not child.children:
            yield Leaf(child.type, child.content, at)
            line[0] += child.content.count("\n")
        yield from leaves(child, line)
        if child.type == "strong":
            yield Leaf("strong", "", line[0])  # 起止各一
