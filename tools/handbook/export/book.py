"""要导出的书：目录、转换结果与运行结果合成的纯数据，各产品都从它出发。"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from handbook.catalog import Catalog, Chapter, Page, load_catalog
from handbook.context import Ran
from handbook.convert import Document
from handbook.documents import convert_all
from handbook.project import Project
from handbook.runner import run_snippets

TITLE = "视觉算法面试手册"
SUBTITLE = "一句话回答 · 完整推导 · 真正运行过的代码"


@dataclass(frozen=True)
class Question:
    page: Page
    document: Document
    ran: Ran | None

    @property
    def slug(self) -> str:
        return self.page.slug

    @property
    def url(self) -> str:
        """在网站里的路径。"""
        return f"{self.page.chapter.slug}/{self.page.slug}.html"


@dataclass(frozen=True)
class Part:
    """一章；没有题的章不进书。"""

    chapter: Chapter
    lead: Document
    questions: tuple[Question, ...]

    @property
    def number(self) -> str:
        return self.questions[0].page.number.split(".")[0]


@dataclass(frozen=True)
class Book:
    project: Project
    parts: tuple[Part, ...]
    figures: Mapping[str, str]  # 站内路径 assets/figures/… → SVG
    commit: str
    date: datetime

    @property
    def questions(self) -> list[Question]:
        return [question for part in self.parts for question in part.questions]

    @property
    def version(self) -> str:
        """封面上的一行：题数、日期与提交号；没有 git 则没有提交号。"""
        parts = [f"{len(self.questions)} 题", f"{self.date:%Y-%m-%d}", self.commit]
        return " · ".join(filter(None, parts))


def figure_path(page: Page, name: str) -> str:
    stem = f"{page.slug}-{name}" if name else page.slug
    return f"assets/figures/{page.chapter.slug}/{stem}.svg"


def head(project: Project) -> tuple[str, datetime]:
    """最近一次提交的短哈希与日期；不在 git 里则用今天。"""
    command = ["git", "-C", str(project.root), "log", "-1", "--format=%h %ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "", datetime.now(UTC)
    commit, seconds = done.stdout.split()
    return commit, datetime.fromtimestamp(int(seconds), UTC)


def assemble(catalog: Catalog, ran: Mapping[str, Ran], documents: Mapping[str, Document]) -> Book:
    parts = []
    figures: dict[str, str] = {}
    for chapter in catalog.chapters:
        questions = tuple(
            Question(page, documents[f"{chapter.slug}/{page.slug}.md"], ran.get(page.slug))
            for page in catalog.of_chapter(chapter.slug)
        )
        if questions:
            parts.append(Part(chapter, documents[f"{chapter.slug}/index.md"], questions))
        for question in questions:
            for name, svg in (question.ran.figures if question.ran else {}).items():
                figures[figure_path(question.page, name)] = svg
    return Book(catalog.project, tuple(parts), figures, *head(catalog.project))


def load_book(project: Project) -> Book:
    """运行片段、转换全部页面（都有缓存），合成一本书；有问题抛 HandbookError。"""
    catalog = load_catalog(project)
    ran = run_snippets(catalog)
    return assemble(catalog, ran, convert_all(catalog, ran))
