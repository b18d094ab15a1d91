"""内容规则（docs/about/style.md 里写明 checks.* 的各条）：一个模块一件事。

各模块都给出 `check(catalog, pages) -> list[Problem]`。
`pages` 是要报告的页面；跨页的规则（P09、P17）拿它们与全书比较。
"""

from collections.abc import Collection
from importlib import import_module

from handbook.catalog import Catalog
from handbook.errors import HandbookError, Problem

# 用到时才导入：建网站只要 structure，而 typography 所需的库只装在测试环境里
CHECKS = (
    "files",
    "structure",
    "links",
    "references",
    "symbols",
    "characters",
    "terms",
    "repeats",
    "snippets",
    "typography",
    "numbers",
)


def run_all(catalog: Catalog, *, only: Collection[str] | None = None) -> list[Problem]:
    """全部规则的全部问题；`only` 给出 slug 时只报这些页面的。"""
    pages = [page for slug, page in catalog.pages.items() if only is None or slug in only]
    found: set[Problem] = set()
    for name in CHECKS:
        try:
            found.update(import_module(f"{__name__}.{name}").check(catalog, pages))
        except HandbookError as error:  # 读不懂的输入（Python 语法错、术语表的行不对）
            found.update(error.problems)
    return sorted(found, key=lambda p: (p.path, p.line or 0, p.rule, p.message))
