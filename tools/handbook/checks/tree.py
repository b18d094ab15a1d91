"""把页面的 Markdown 解析成带行号的语法树；各项检查都在树上做，不在全文上跑正则。

成品由 Python-Markdown 转换，但它不留行号；这里用 markdown-it（带行号）解析同一套写法。
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from handbook.checks.leaves import BREAKS, MATH, Leaf, leaves, split_heading, without_attrs
from handbook.page import Source

_VERBATIM = ("math_block", "fence", "code_block", "html_block")


@dataclass(frozen=True)
class Block:
    """一个段落、标题、单元格或题名，或一整块公式、代码；`within` 是外层节点，由外到内。"""

    kind: str
    line: int
    section: str  # 所在的二级标题
    within: tuple[SyntaxTreeNode, ...]
    raw: str  # 标题末尾的属性 {…} 已去掉，放在 attrs
    attrs: dict[str, str | None]
    leaves: tuple[Leaf, ...]

    def of(self, *kinds: str) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.kind in kinds]

    @property
    def text(self) -> str:
        """只留文字：公式、代码、脚注号都去掉。"""
        return self.prose("")

    def prose(self, filler: str) -> str:
        """文字，公式与代码各换成 `filler`；换行留着，行号可数。"""
        kept = {leaf: leaf.text for leaf in self.of("text", *BREAKS)}
        filled = dict.fromkeys(self.of("code_inline", *MATH), filler)
        return "".join((kept | filled).get(leaf, "") for leaf in self.leaves)

    def inside(self, kind: str) -> SyntaxTreeNode | None:
        """最内层的 `kind` 类祖先。"""
        return next((node for node in reversed(self.within) if node.type == kind), None)


@dataclass(frozen=True)
class Section:
    """一个二级标题与它名下的顶层节点。"""

    title: str
    line: int
    nodes: tuple[SyntaxTreeNode, ...]


@dataclass(frozen=True)
class Document:
    root: SyntaxTreeNode
    body_line: int

    def line(self, node: SyntaxTreeNode) -> int:
        """节点第一行在文件里的行号。"""
        return self.body_line + (node.map[0] if node.map else 0)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(self._walk(self.root, (), [""]))

    def blocks_in(self, node: SyntaxTreeNode) -> list[Block]:
        return [block for block in self.blocks if node in block.within]

    def blocks_of(self, section: str) -> list[Block]:
        return [b for b in self.blocks if b.section == section and b.kind != "heading"]

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        found: list[tuple[str, int, list[SyntaxTreeNode]]] = []
        for node in self.root.children:
            if node.type == "heading" and node.tag == "h2":
                found.append((split_heading(node.children[0].content)[0], self.line(node), []))
            elif found:
                found[-1][2].append(node)
        return tuple(Section(title, line, tuple(nodes)) for title, line, nodes in found)

    def section(self, title: str) -> Section | None:
        return next((s for s in self.sections if s.title == title), None)

    @property
    def detail_line(self) -> int:
        """「详细解答」所在的行：整页缺了什么就报在这里。"""
        section = self.section("详细解答")
        return section.line if section else self.body_line

    def _walk(
        self, node: SyntaxTreeNode, within: tuple[SyntaxTreeNode, ...], section: list[str]
    ) -> Iterator[Block]:
        for child in node.children:
            line = self.line(child)
            if child.type == "inline":
                raw = child.content
                attrs: dict[str, str | None] = {}
                if node.type == "heading":
                    raw, attrs = split_heading(raw)
                    section[0] = raw if node.tag == "h2" else section[0]
                parts = tuple(leaves(child, [line]))
                if attrs:
                    parts = (*parts[:-1], without_attrs(parts[-1]))
                yield Block(node.type, line, section[0], within, raw, attrs, parts)
            elif child.type in _VERBATIM:
                leaf = Leaf(child.type, child.content, line)
                info: dict[str, str | None] = {"info": child.info}  # 围栏的语言
                yield Block(child.type, line, section[0], within, child.content, info, (leaf,))
            else:
                yield from self._walk(child, (*within, child), section)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.use(admon_plugin)
    parser.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    parser.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
    for name in ("figure", "snippet"):
        parser.use(container_plugin, name, marker="/")
    return parser


_PARSER = _parser()


@lru_cache(maxsize=1024)
def _parse(body: str, body_line: int) -> Document:
    return Document(SyntaxTreeNode(_PARSER.parse(body)), body_line)


def parse(source: Source) -> Document:
    return _parse(source.body, source.body_line)
