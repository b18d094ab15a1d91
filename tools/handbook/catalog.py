"""全书的目录：由文件、题头与清单导出章的次序、题的次序、题型、热度、前后题与缺题。"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handbook.errors import HandbookError, Problem
from handbook.inventory import Inventory, Question, load_inventory
from handbook.page import FrontMatter, Source, front_matter, read_source
from handbook.project import Project

NOT_CHAPTERS = frozenset({"about", "labs", "assets"})
_CHAPTER_KEYS = {"title", "order", "complete"}


@dataclass(frozen=True)
class Chapter:
    """一章；题名、次序、导语只写在 docs/<章>/index.md。"""

    slug: str
    title: str
    order: int
    complete: bool
    lead: str
    path: Path


@dataclass(frozen=True)
class Page:
    """一道题的页面连同导出的属性。`number` 是「章.题」，全书各产品相同。"""

    slug: str
    chapter: Chapter
    source: Source
    meta: FrontMatter
    kind: str
    asks: tuple[str, ...]
    asked: int
    number: str
    snippet: Path | None
    test: Path

    @property
    def path(self) -> Path:
        return self.source.path


@dataclass(frozen=True)
class Catalog:
    project: Project
    inventory: Inventory
    chapters: tuple[Chapter, ...]
    pages: Mapping[str, Page]  # slug → 页面，按阅读次序
    missing: Mapping[str, tuple[Question, ...]]  # 章 → 清单里有而没有页面的题

    def of_chapter(self, chapter: str) -> list[Page]:
        return [page for page in self.pages.values() if page.chapter.slug == chapter]

    def neighbours(self, page: Page) -> tuple[Page | None, Page | None]:
        """同章的前一题与后一题。"""
        row = self.of_chapter(page.chapter.slug)
        at = row.index(page)
        return (row[at - 1] if at else None), (row[at + 1] if at + 1 < len(row) else None)


def known_tags(project: Project) -> frozenset[str]:
    """docs/about/tags.md 表格的第一列。"""
    text = (project.docs / "about" / "tags.md").read_text("utf-8")
    return frozenset(re.findall(r"^\| ([^|]+?) \|", text, flags=re.MULTILINE)) - {"标签", "---"}


def _chapter(project: Project, folder: Path) -> Chapter:
    index = folder / "index.md"
    shown = project.relative(index)
    if not index.is_file():
        fix = "写 index.md，题头有 title 与 order，正文是导语"
        raise HandbookError(Problem(project.relative(folder), None, "这一章没有 index.md", fix))
    source = read_source(index, shown)
    header = source.header
    unknown = set(header) - _CHAPTER_KEYS
    if (
        unknown
        or not isinstance(header.get("title"), str)
        or not isinstance(header.get("order"), int)
    ):
        fix = "题头只写 title（文字）、order（整数）与可选的 complete: true"
        raise HandbookError(Problem(shown, 1, f"章的题头不对：{header}", fix))
    return Chapter(
        folder.name,
        header["title"],
        header["order"],
        header.get("complete") is True,
        source.body.strip(),
        index,
    )


def _ordered(found: dict[str, Path], chapter: Chapter, inventory: Inventory) -> list[str]:
    """清单里的按清单次序，清单外的按 slug 排在其后。"""
    listed = [q.slug for q in inventory.of_chapter(chapter.slug) if q.slug in found]
    return listed + sorted(set(found) - set(listed))


def load_catalog(project: Project) -> Catalog:
    """读入全部章与题；题头有错、题重名、题放错章都在此报出。"""
    inventory = load_inventory(project.seeds)
    tags = known_tags(project)
    folders = [p for p in project.docs.iterdir() if p.is_dir() and p.name not in NOT_CHAPTERS]
    chapters = sorted((_chapter(project, folder) for folder in folders), key=lambda c: c.order)
    problems: list[Problem] = []
    pages: dict[str, Page] = {}
    titles: dict[str, Path] = {}
    for position, chapter in enumerate(chapters, start=1):
        found = {p.stem: p for p in chapter.path.parent.glob("*.md") if p.name != "index.md"}
        for rank, slug in enumerate(_ordered(found, chapter, inventory), start=1):
            path = found[slug]
            shown = project.relative(path)
            try:
                source = read_source(path, shown)
                meta = front_matter(source, shown, tags)
            except HandbookError as error:
                problems += error.problems
                continue
            row = inventory.questions.get(slug)
            if slug in pages:
                other = project.relative(pages[slug].path)
                problems.append(Problem(shown, None, f"slug 与 {other} 重复", "换一个 slug"))
                continue
            if row and row.chapter != chapter.slug:
                problems.append(
                    Problem(shown, None, f"清单把 {slug} 放在 {row.chapter} 章", "移到那一章的目录")
                )
            if row and meta.kind:
                line = source.key_line("kind")
                problems.append(Problem(shown, line, "清单里的题不写 kind", "删去 kind", "P01"))
            if not row and not meta.kind:
                problems.append(
                    Problem(shown, 1, f"清单里没有 {slug}", "改正 slug，或写明 kind", "P01")
                )
            if meta.title in titles:
                line = source.key_line("title")
                message = f"题目与 {titles[meta.title]} 相同"
                problems.append(Problem(shown, line, message, "合并两页，或改写题目", "P15"))
            titles[meta.title] = shown
            pages[slug] = Page(
                slug, chapter, source, meta,
                kind=row.kind if row else meta.kind,
                asks=row.asks if row else (),
                asked=row.asked if row else 0,
                number=f"{position}.{rank}",
                snippet=project.snippet(chapter.slug, slug),
                test=project.snippet_test(chapter.slug, slug),
            )  # fmt: skip
    for page in pages.values():
        for slug in page.meta.related:
            if slug not in pages and slug not in inventory.questions:
                line = page.source.key_line("related")
                shown = project.relative(page.path)
                problems.append(
                    Problem(shown, line, f"related 里没有 {slug} 这道题", "改正 slug", "P14")
                )
    if problems:
        raise HandbookError(problems)
    missing = {
        c.slug: tuple(q for q in inventory.of_chapter(c.slug) if q.slug not in pages)
        for c in chapters
    }
    return Catalog(project, inventory, tuple(chapters), pages, missing)
