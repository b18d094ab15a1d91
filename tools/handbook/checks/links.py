"""站内链接（P14）：写相对路径的 .md，所指的页面存在。锚点由 handbook.links 在成品里核对。"""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from handbook.catalog import Catalog, Page
from handbook.checks.report import report_to
from handbook.checks.tree import parse
from handbook.errors import Problem


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    problems: list[Problem] = []
    for page in pages:
        report = report_to(problems, catalog.project, page.path)
        for block in parse(page.source).blocks:
            for link in block.of("link"):
                fault = _fault(page, link.text)
                if fault:
                    report(link.line, *fault, "P14")
    return problems


def _fault(page: Page, href: str) -> tuple[str, str] | None:
    parts = urlsplit(href)
    if parts.scheme == "https" or not (parts.scheme or parts.netloc or parts.path):
        return None  # 站外的，或本页的锚点
    if parts.scheme or parts.netloc:
        return f"链接 {href} 不是 https", "改用 https"
    path = unquote(parts.path)
    if path.startswith("/") or not path.endswith(".md"):
        return f"站内链接 {href} 不是相对路径的 .md", "写成 other-slug.md 或 ../chapter/slug.md"
    if not (page.path.parent / path).is_file():
        return f"没有页面 {href}", "改正路径；还没写的题先不链接"
    return None
