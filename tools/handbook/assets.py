"""网站里由别处取来或生成的文件：KaTeX 的样式与字体、各题的图、可下载的代码与笔记本。"""

import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from handbook import notebook as notebooks
from handbook.catalog import Catalog
from handbook.context import Ran
from handbook.project import Project
from handbook.svg import file_name

KATEX = "assets/katex"
FIGURES = "assets/figures"
SNIPPETS = "assets/snippets"
_OLD_FONTS = re.compile(r',url\([^)]*\) format\("(?:woff|truetype)"\)')

_NOTEBOOK_TOOLS = version("nbformat").encode() + Path(notebooks.__file__).read_bytes()

Files = dict[str, str | Path]


def katex_files(project: Project) -> Files:
    """样式表与 woff2 字体；旧格式的字体连同样式表里对它们的引用都略去。"""
    dist = project.node_modules / "katex" / "dist"
    style = (dist / "katex.min.css").read_text("utf-8")
    files: Files = {f"{KATEX}/katex.min.css": _OLD_FONTS.sub("", style)}
    fonts = sorted((dist / "fonts").glob("*.woff2"))
    return files | {f"{KATEX}/fonts/{font.name}": font for font in fonts}


def _notebook(snippet: Path, project: Project) -> Path:
    """笔记本按内容缓存：生成并校验一个要几十毫秒，片段却很少改动。"""
    source = snippet.read_bytes()
    key = hashlib.sha256(_NOTEBOOK_TOOLS + source).hexdigest()
    cached = project.cache / "notebooks" / f"{key}.ipynb"
    if not cached.is_file():
        cached.parent.mkdir(parents=True, exist_ok=True)
        fresh = cached.with_suffix(".new")
        fresh.write_text(notebooks.notebook(snippet), "utf-8")
        fresh.replace(cached)
    return cached


def site_files(catalog: Catalog, ran: Mapping[str, Ran]) -> Files:
    """站点里的路径 → 内容，或原样复制的文件。"""
    files = katex_files(catalog.project)
    for page in catalog.pages.values():
        if page.snippet is None:
            continue
        for name, svg in ran[page.slug].figures.items():
            files[f"{FIGURES}/{page.chapter.slug}/{file_name(page.slug, name)}"] = svg
        target = f"{SNIPPETS}/{page.chapter.slug}/{page.snippet.name}"
        files[target] = page.snippet
        if page.snippet.suffix == ".py":
            files[target.removesuffix(".py") + ".ipynb"] = _notebook(page.snippet, catalog.project)
    return files
