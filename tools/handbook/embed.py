"""片段与图在页面上的 HTML：代码块、下载链接、图片。

都作为原样的 HTML 存放，不进元素树：MkDocs 会把元素树里的链接当作文档之间的链接去核对。
"""

import html
from pathlib import Path
from typing import Any

from markdown import Markdown
from pymdownx.highlight import HighlightExtension

from handbook import svg

_LANGUAGES = {".py": "python", ".c": "c", ".cpp": "cpp"}
_OUTPUT_TITLE = "输出"


def snippet_html(md: Markdown, path: Path, output: str) -> str:
    """整个文件，下载链接，输出（没有则略）。"""
    name = f"{path.parent.name}/{path.name}"
    parts = [
        _highlighted(md, path.read_text("utf-8"), _LANGUAGES[path.suffix], f"snippets/{name}"),
        _downloads(name),
    ]
    if output:
        parts.append(_highlighted(md, output, "text", _OUTPUT_TITLE))
    return "\n".join(parts)


def image_html(chapter: str, slug: str, name: str, alt: str, drawn: str) -> str:
    """写明宽高，图片下载完之前版面就已定下。"""
    width, height = svg.size(drawn)
    source = f"../assets/figures/{chapter}/{svg.file_name(slug, name)}"
    return (
        f'<img class="figure" src="{source}" alt="{html.escape(alt)}"'
        f' width="{width}" height="{height}" loading="lazy">'
    )


def _highlighted(md: Markdown, source: str, language: str, title: str) -> str:
    """与代码围栏同一套 pymdownx.highlight 设置。"""
    extension = next(e for e in md.registeredExtensions if isinstance(e, HighlightExtension))
    settings: dict[str, Any] = dict(extension.get_pymdownx_highlight_settings())
    settings.pop("_enabled", None)
    css_class = settings.pop("css_class")
    extension.pygments_code_block += 1
    block = extension.pygments_code_block  # 各块的行锚点因此不重名
    highlighter = extension.get_pymdownx_highlighter()(md, **settings)
    return str(
        highlighter.highlight(source, language, css_class, title=title, code_block_count=block)
    )


def _downloads(name: str) -> str:
    """代码文件；Python 的另有同名的笔记本。"""
    files = [name]
    if name.endswith(".py"):
        files.append(name.removesuffix(".py") + ".ipynb")
    links = "、".join(
        f'<a href="../assets/snippets/{file}" download>{Path(file).name}</a>' for file in files
    )
    return f'<p class="snippet-links">下载：{links}</p>'
