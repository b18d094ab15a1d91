"""Python-Markdown 扩展：`/// snippet` 显示片段与它的输出，`/// figure | 名` 显示片段画的图。

两种块建立在 pymdownx.blocks 上；片段与运行结果取自 `context.current`。写错的指令先按源文本找出，
转换之后再核对每条指令都生成了块：pymdownx 对不合格的块不声不响，留作普通文字。
"""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from pymdownx.blocks import BlocksExtension
from pymdownx.blocks.block import Block, type_string

from handbook import context, embed
from handbook.directive_match import RULES, match
from handbook.directives import FIGURE, SNIPPET, Directive, scan

_FIRST = 1000  # 先于改动行号的一切预处理
_LAST = -1000


class _Pending:
    """扫描到而还没有生成块的指令；一个 Markdown 实例一份，每次转换重新填。"""

    def __init__(self) -> None:
        self.directives: list[Directive] = []

    def take(self, kind: str, name: str) -> None:
        for directive in self.directives:
            if (directive.kind, directive.name) == (kind, name):
                self.directives.remove(directive)
                return


class SnippetBlock(Block):  # type: ignore[misc]
    """整个片段、下载链接、真正运行的输出；代码不进搜索索引。"""

    NAME = SNIPPET
    ARGUMENT = None

    def on_create(self, parent: Element) -> Element:
        self.config["pending"].take(SNIPPET, self.argument or "")
        box = SubElement(parent, "div", {"class": "snippet", "data-search-exclude": ""})
        now = context.current.get()
        if now.snippet is not None and now.ran is not None:  # 没有的，match 已经报出
            box.text = self.md.htmlStash.store(
                embed.snippet_html(self.md, now.snippet, now.ran.output)
            )
        return box


class FigureBlock(Block):  # type: ignore[misc]
    """片段画的一张图与图注；图注按行内 Markdown 处理，可以有公式。"""

    NAME = FIGURE
    ARGUMENT = None
    OPTIONS = {"alt": ["", type_string]}  # noqa: RUF012  # 基类就是这样声明的

    def on_create(self, parent: Element) -> Element:
        name = self.argument or ""
        self.config["pending"].take(FIGURE, name)
        figure = SubElement(parent, "figure", {"id": f"figure-{name}" if name else "figure"})
        now = context.current.get()
        if now.ran is not None and name in now.ran.figures:
            chapter, slug = now.path.parent.name, now.path.stem
            image = embed.image_html(
                chapter, slug, name, self.options["alt"], now.ran.figures[name]
            )
            figure.text = self.md.htmlStash.store(image)
        self.caption = SubElement(figure, "figcaption")
        return figure

    def on_add(self, block: Element) -> Element:
        return self.caption

    def on_markdown(self) -> str:
        return "inline"


class _Scan(Preprocessor):
    """转换之前：按源文本找出指令，与片段对账。`known` 是已注册的各种块。"""

    def __init__(self, md: Markdown, pending: _Pending, known: Mapping[str, object]):
        super().__init__(md)
        self._pending, self._known = pending, known

    def run(self, lines: list[str]) -> list[str]:
        directives = scan(lines, self._known)
        self._pending.directives = [d for d in directives if not d.faults]
        conversion = context.current.get(None)
        if conversion is not None:
            match(conversion, directives)
        elif directives:
            raise LookupError("转换有指令的页面，须先设好 handbook.context.current")
        return lines


class _Leftover(Treeprocessor):
    """转换之后：陷在缩进代码之类的地方、没有生成块的指令，不能悄悄变成文字。"""

    def __init__(self, md: Markdown, pending: _Pending):
        super().__init__(md)
        self._pending = pending

    def run(self, root: Element) -> None:
        for directive in self._pending.directives:
            message = f"/// {directive.kind} 没有生效，会原样显示成文字"
            fix = "检查它前后的空行与缩进：四格缩进是代码块"
            rule = RULES[directive.kind]
            context.current.get().report(directive.line, message, fix, rule)


class HandbookBlocks(BlocksExtension):  # type: ignore[misc]
    """注册两种块与前后的核对。"""

    def extendMarkdown(self, md: Markdown) -> None:
        pending = _Pending()
        manager = self.register_block_mgr(md)
        for block in (SnippetBlock, FigureBlock):
            manager.register(block, {"pending": pending})
        # 已经设过 pymdownx.highlight 的，这一句不改它的设置；没有设的，用缺省设置
        md.registerExtensions(["pymdownx.highlight"], {"pymdownx.highlight": {"_enabled": False}})
        md.preprocessors.register(_Scan(md, pending, manager.blocks), "handbook_directives", _FIRST)
        md.treeprocessors.register(_Leftover(md, pending), "handbook_leftover", _LAST)


def makeExtension(**settings: Any) -> Extension:
    return HandbookBlocks(**settings)
