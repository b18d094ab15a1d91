"""网页四周的东西，全部导出：题目页的页头页脚、章的题目表、首页的章表与热门题、侧栏、更新记录。"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from handbook.catalog import Catalog, Chapter, Page
from handbook.compared import compared_with
from handbook.convert import Document
from handbook.dates import latest
from handbook.project import Project
from handbook.views import Book, Change, ChapterView, CodeView, Item, Link, QuestionView

REPOSITORY = "HANDBOOK_REPO_URL"
HOT = 20
RECENT = 30
KINDS = {
    "derivation": "推导",
    "code": "手写代码",
    "concept": "概念",
    "compare": "对比",
    "architecture": "结构",
    "practice": "实践",
    "metric": "指标",
    "open": "开放题",
}
DIFFICULTIES = {1: "入门", 2: "进阶", 3: "深入"}

Documents = Mapping[str, Document]
Dates = Mapping[Path, str]


def uri(project: Project, path: Path) -> str:
    """页面在 docs/ 里的相对路径。"""
    return path.relative_to(project.docs).as_posix()


def _link(name: str, document: Document, number: str = "") -> Link:
    url = name.removesuffix(".md") + ".html"
    return Link(url, document.title_html, document.title_text, number)


def _item(page: Page, project: Project, documents: Documents) -> Item:
    name = uri(project, page.path)
    return Item(
        link=_link(name, documents[name], page.number),
        kind=KINDS[page.kind],
        level=page.meta.difficulty,
        difficulty=DIFFICULTIES[page.meta.difficulty],
        asked=page.asked,
        answer=documents[name].answer,
    )


def _sources(page: Page, project: Project) -> list[Path]:
    """一题的三个文件里存在的，相对项目根。"""
    files = [path for path in (page.path, page.snippet, page.test) if path and path.is_file()]
    return [project.relative(path) for path in files]


def _chapter(chapter: Chapter, number: int, catalog: Catalog, documents: Documents) -> ChapterView:
    project = catalog.project
    name = uri(project, chapter.path)
    items = tuple(_item(page, project, documents) for page in catalog.of_chapter(chapter.slug))
    link = _link(name, documents[name], str(number))
    return ChapterView(link, items, catalog.missing[chapter.slug])


def book(catalog: Catalog, documents: Documents, dates: Dates) -> Book:
    """全书的结构；每次构建算一次。"""
    project = catalog.project
    chapters = tuple(
        _chapter(chapter, number, catalog, documents)
        for number, chapter in enumerate(catalog.chapters, start=1)
    )
    items = [item for chapter in chapters for item in chapter.items]
    # sorted 是稳定的：问法数相同的按阅读次序
    hot = tuple(sorted((i for i in items if i.asked), key=lambda i: -i.asked)[:HOT])
    about = [name for name in sorted(documents) if name.startswith("about/")]
    changes = [
        Change(latest(dates, _sources(page, project)), item.link)
        for page, item in zip(catalog.pages.values(), items, strict=True)
    ]
    recent = sorted(changes, key=lambda change: change.date, reverse=True)[:RECENT]
    return Book(chapters, hot, tuple(_link(n, documents[n]) for n in about), tuple(recent))


def _code(page: Page, project: Project) -> CodeView | None:
    if page.snippet is None:
        return None
    tested = page.test.is_file()
    return CodeView(
        snippet=project.relative(page.snippet).as_posix(),
        test=project.relative(page.test).as_posix() if tested else "",
        compared=compared_with(page.test) if tested else (),
    )


def questions(catalog: Catalog, whole: Book, dates: Dates) -> dict[str, QuestionView]:
    """docs/ 里的相对路径 → 题目页的四周。"""
    project = catalog.project
    placed = [(chapter, at) for chapter in whole.chapters for at in range(len(chapter.items))]
    rows = list(zip(catalog.pages.values(), placed, strict=True))
    links = {page.slug: chapter.items[at].link for page, (chapter, at) in rows}
    views: dict[str, QuestionView] = {}
    for page, (chapter, at) in rows:
        views[uri(project, page.path)] = QuestionView(
            item=chapter.items[at],
            chapter=chapter,
            title_en=page.meta.title_en,
            tags=page.meta.tags,
            code=_code(page, project),
            verified=latest(dates, _sources(page, project)),
            related=tuple(links[slug] for slug in page.meta.related if slug in links),
            previous=chapter.items[at - 1].link if at else None,
            next=chapter.items[at + 1].link if at + 1 < len(chapter.items) else None,
        )
    return views


def repository_links(path: Path) -> dict[str, str]:
    """「编辑此页」与「报告错误」的网址；没有设仓库地址则空。`path` 相对项目根。"""
    repository = os.environ.get(REPOSITORY, "").rstrip("/")
    if not repository:
        return {}
    title = quote(f"勘误：{path.as_posix()}")
    return {
        "edit": f"{repository}/edit/main/{path.as_posix()}",
        "report": f"{repository}/issues/new?title={title}",
    }
