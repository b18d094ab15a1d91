"""Markdown → HTML，全书只有这一处：MkDocs、PDF、EPUB、Anki 的导出器与测试都调用它。

扩展与设置只写在 mkdocs.yml 的 `markdown_extensions`。这里不读写缓存，见 `handbook.documents`。
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown import Markdown
from mkdocs.utils.yaml import yaml_load

from handbook import context
from handbook.catalog import Page
from handbook.context import Conversion, Ran
from handbook.errors import HandbookError
from handbook.html_text import prose
from handbook.katex import MathError, shared
from handbook.md_math import render_inline
from handbook.page import Source
from handbook.project import Project

Settings = dict[str, dict[str, Any]]
ANSWER = "一句话回答"
_SECTION_END = re.compile(r'<h2 |<div class="footnote">')
_FOOTNOTE_MARK = re.compile(r'\s*<sup id="fnref.*?</sup>', re.DOTALL)


@dataclass(frozen=True)
class Heading:
    """正文里的一个标题；`text` 是纯文本，公式已写成一行字。"""

    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Document:
    """一页转换的结果。题目的标题不在 `html` 里，由各产品自己放。

    `prose` 是去掉公式与代码的正文，标题还在：给搜索用。
    """

    html: str
    prose: str
    title_html: str
    title_text: str
    headings: tuple[Heading, ...]

    def section(self, title: str) -> str:
        """二级标题 `title` 之下、下一个二级标题或脚注之前的 HTML；没有则空。"""
        found = [h.id for h in self.headings if h.level == 2 and h.text == title]
        if not found:
            return ""
        start = re.search(rf'<h2[^>]* id="{re.escape(found[0])}".*?</h2>', self.html, re.DOTALL)
        assert start is not None
        return _SECTION_END.split(self.html[start.end() :], maxsplit=1)[0].strip()

    @property
    def answer(self) -> str:
        """一句话回答的行内 HTML，脚注号已去掉：可以放到别的页面上。"""
        paragraph = self.section(ANSWER).removeprefix("<p>").removesuffix("</p>")
        return _FOOTNOTE_MARK.sub("", paragraph)


def settings(configuration: str) -> Settings:
    """mkdocs.yml 的文本里的扩展，按书写的次序：名字 → 设置。"""
    found: Settings = {}
    for item in yaml_load(configuration).get("markdown_extensions", []):
        found |= {item: {}} if isinstance(item, str) else {k: v or {} for k, v in item.items()}
    return found


@functools.lru_cache(maxsize=4)
def _markdown(root: Path, configuration: str) -> Markdown:
    """同样的设置只装配一次：装配比转换一页的普通文字还慢。"""
    configs = settings(configuration)
    configs.setdefault("handbook.md_math", {})["root"] = str(root)
    return Markdown(extensions=list(configs), extension_configs=configs)


def _headings(tokens: list[dict[str, Any]]) -> list[Heading]:
    flat: list[Heading] = []
    for token in tokens:
        flat.append(Heading(token["level"], token["id"], token["name"]))
        flat += _headings(token["children"])
    return flat


def _convert(source: Source, conversion: Conversion, project: Project) -> Document:
    """所有问题一次报完；有问题就抛 HandbookError。"""
    title = source.header.get("title", "")
    title_html = title_text = title
    try:
        title_html, title_text = render_inline(title, shared(project))
    except MathError as error:
        line = source.key_line("title") - source.body_line + 1
        conversion.report(line, str(error), error.fix, "M01")
    token = context.current.set(conversion)
    try:
        configuration = (project.root / "mkdocs.yml").read_text("utf-8")
        markdown = _markdown(project.root, configuration)
        html = markdown.reset().convert(source.body)
    finally:
        context.current.reset(token)
    if conversion.problems:
        raise HandbookError(conversion.problems)
    tokens = getattr(markdown, "toc_tokens", [])
    return Document(html, prose(html), title_html, title_text, tuple(_headings(tokens)))


def convert(page: Page, ran: Ran | None, project: Project) -> Document:
    """一道题。`ran` 是片段运行的结果；没有片段的题为 None。"""
    shown = project.relative(page.path)
    source = page.source
    conversion = Conversion(shown, source.body, source.body_line, page.snippet, ran)
    return _convert(source, conversion, project)


def convert_plain(source: Source, project: Project) -> Document:
    """首页、章的导语、「关于」里的页面：没有片段；生成的页面没有文件也可以。"""
    shown = Path(source.path).relative_to(project.root)
    return _convert(source, Conversion(shown, source.body, source.body_line), project)
