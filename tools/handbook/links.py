"""核对成品网站的链接：页面、锚点、图片、样式与字体都在，没有一样取自站外（规则 P14）。

查的是写完的 HTML：缓存着的页面、模板画出的导航、片段的下载都在其中。
正文里写的链接报到源文件的行。
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

from lxml import etree

from handbook.errors import Problem
from handbook.md_links import to_html
from handbook.project import Project

_RULE = "P14"
_LOADED = {"script", "img", "link", "iframe", "source", "video", "audio", "object", "embed"}
_NOT_LOADED = {"canonical", "prev", "next", "alternate", "edit"}
_CSS_URL = re.compile(r"url\(\s*[\"']?([^\"')]+)")
_WRITTEN = re.compile(r"\]\(<?([^)\s>]+)|^\[[^\]^]+\]:\s*(\S+)", re.MULTILINE)
# 由服务器在任意网址下给出，所以它的链接以站点的根为准。
_ANYWHERE = "404.html"


@dataclass(frozen=True)
class Reference:
    """一处引用；`loaded` 指浏览器不经点击就会去取。"""

    url: str
    loaded: bool


@dataclass(frozen=True)
class Finished:
    """一个成品页面：可以链接到的锚点，与它引用的一切。"""

    anchors: frozenset[str]
    references: tuple[Reference, ...]


def read_page(path: Path) -> Finished:
    tree = etree.parse(path, etree.HTMLParser(encoding="utf-8"))
    anchors = frozenset(map(str, tree.xpath("//@id | //a/@name", smart_strings=False)))
    found: dict[Reference, None] = {}
    for element in tree.iter("a", *_LOADED):
        loaded = element.tag in _LOADED and element.get("rel") not in _NOT_LOADED
        for name in ("href", "src", "data", "poster"):
            if url := element.get(name):
                found[Reference(url.strip(), loaded)] = None
    return Finished(anchors, tuple(found))


def read_style(path: Path) -> Finished:
    urls = dict.fromkeys(_CSS_URL.findall(path.read_text("utf-8")))
    return Finished(frozenset(), tuple(Reference(url, True) for url in urls))


def _fault(name: str, ref: Reference, files: set[str], pages: dict[str, Finished]) -> str:
    """`name` 里的这处引用有什么毛病；没有则空。"""
    parts = urlsplit(ref.url)
    if parts.scheme == "data" or ref.url.startswith("javascript:"):
        return ""
    if parts.scheme or parts.netloc:
        return f"从站外加载 {ref.url}" if ref.loaded else ""
    path = unquote(parts.path)
    if path.startswith("/") and name != _ANYWHERE:
        return f"链接 {ref.url} 从根写起，从磁盘打开时是坏的"
    target = normpath(join(dirname(name), path)).lstrip("/") if path else name
    if target not in files:
        return f"链接 {ref.url} 所指的 {target} 不存在"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"链接 {ref.url} 所指的锚点 #{anchor} 不存在"
    return ""


def _written_at(source: Path, url: str) -> list[int]:
    """源文件里写着这条链接的行（那里写的是 `.md`）。"""
    text = source.read_text("utf-8") if source.is_file() else ""
    return [
        text.count("\n", 0, match.start()) + 1
        for match in _WRITTEN.finditer(text)
        if to_html(match[1] or match[2]) == url
    ]


def _located(name: str, url: str, fault: str, project: Project) -> Iterator[Problem]:
    """正文里写着这条链接的各处；模板导出的链接没有。"""
    source = project.docs / Path(name).with_suffix(".md")
    for line in _written_at(source, url):
        fix = "改正链接，或补上所指的页面、标题"
        yield Problem(project.relative(source), line, fault, fix, _RULE)


def check_links(site: Path, project: Project) -> list[Problem]:
    """`site` 里的全部坏链接。不是正文写的，同样的一处在许多页上出现时只报一次。"""
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    pages = {name: read_page(site / name) for name in sorted(files) if name.endswith(".html")}
    styles = {name: read_style(site / name) for name in sorted(files) if name.endswith(".css")}
    problems: list[Problem] = []
    written: set[str] = set()
    derived: dict[str, str] = {}
    for name, page in (pages | styles).items():
        for reference in page.references:
            fault = _fault(name, reference, files, pages)
            found = list(_located(name, reference.url, fault, project)) if fault else []
            problems += found
            if found:
                written.add(fault)
            elif fault:
                derived.setdefault(fault, name)
    fix = "不是正文里写的：查 tools/theme 的模板与 tools/handbook 里导出它的一步"
    for fault, name in derived.items():
        if fault not in written:
            problems.append(Problem(Path(site.name, name), None, fault, fix, _RULE))
    return sorted(problems)
