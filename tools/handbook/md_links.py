"""Python-Markdown 扩展：站内链接在源文件里写相对路径的 `.md`，网页里是同一处的 `.html`。

链接是否存在不在这里查：转换的结果按内容缓存，别的页面增减不应使它失效。
成品网页上的检查见 `handbook.links`。
"""

from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

# 行内语法（20）之后、toc（5）之前：此时链接已成元素，标题的 HTML 还没有取走。
_PRIORITY = 15


def to_html(url: str) -> str:
    """`a/b.md#c` → `a/b.html#c`；外链与其余文件不变。"""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path.endswith(".md"):
        return url
    return urlunsplit(parts._replace(path=parts.path.removesuffix(".md") + ".html"))


class _Links(Treeprocessor):
    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            link.set("href", to_html(link.get("href", "")))


class LinksExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.treeprocessors.register(_Links(md), "handbook-links", _PRIORITY)


def makeExtension(**settings: object) -> LinksExtension:
    return LinksExtension(**settings)
