"""有哪些产品，各写哪些文件：名字 → 函数，命令行与测试都从这里取。"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from handbook.build import build_site
from handbook.checks.terms import load_glossary
from handbook.export.anki import write_deck
from handbook.export.archive import write_archive
from handbook.export.book import TITLE, Book, load_book
from handbook.export.epub import write_epub
from handbook.export.pdf import cover_png, document_terms, write_pdf
from handbook.project import Project


@dataclass(frozen=True)
class Export:
    """一次导出的输入：项目、输出目录、纸张与网站地址；书到用时才合成。"""

    project: Project
    out: Path
    size: str
    site: str

    @cached_property
    def book(self) -> Book:
        return load_book(self.project)

    @cached_property
    def terms(self) -> dict[str, list[str]]:
        glossary = load_glossary(self.project)
        return document_terms(
            {t.name: (*t.english, *t.synonyms) for t in glossary.terms}, self.book
        )

    @property
    def fonts(self) -> Path:
        return self.project.root / "tools" / "export" / "node_modules"

    @property
    def suffix(self) -> str:
        """A4 是缺省的尺寸，不写在文件名里。"""
        return "" if self.size == "a4" else f"-{self.size}"


def _book(export: Export) -> list[Path]:
    target = export.out / f"handbook{export.suffix}.pdf"
    write_pdf(export.book, export.book.parts, target, size=export.size, site=export.site,
              terms=export.terms, fonts=export.fonts)  # fmt: skip
    return [target]


def _chapters(export: Export) -> list[Path]:
    made = []
    for part in export.book.parts:
        target = export.out / "chapters" / f"{part.chapter.slug}{export.suffix}.pdf"
        title = f"{TITLE}：{part.chapter.title}"
        write_pdf(export.book, [part], target, title=title, size=export.size, site=export.site,
                  terms=export.terms, fonts=export.fonts)  # fmt: skip
        made.append(target)
    return made


def _epub(export: Export) -> list[Path]:
    target = export.out / "handbook.epub"
    cover = cover_png(export.book, export.fonts)
    write_epub(export.book, target, cover=cover, site=export.site)
    return [target]


def _anki(export: Export) -> list[Path]:
    target = export.out / "handbook.apkg"
    write_deck(export.book, target, site=export.site)
    return [target]


def _zip(export: Export) -> list[Path]:
    site = export.project.site
    if not (site / "index.html").is_file():
        build_site(export.project, site)
    target = export.out / "handbook-site.zip"
    write_archive(site, target)
    return [target]


@dataclass(frozen=True)
class Product:
    title: str
    make: Callable[[Export], list[Path]]
    sized: bool = False  # 文件随纸张而不同


PRODUCTS = {
    "book": Product("全书 PDF", _book, sized=True),
    "chapters": Product("各章 PDF", _chapters, sized=True),
    "epub": Product("EPUB", _epub),
    "anki": Product("Anki 牌组", _anki),
    "zip": Product("离线网站", _zip),
}
