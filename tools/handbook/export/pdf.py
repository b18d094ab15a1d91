"""全书与各章的 PDF：HTML → Typst → PDF/UA-1，再由 pikepdf 压缩存盘。"""

import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pikepdf
import typst

from handbook.convert import Document
from handbook.errors import HandbookError, Problem
from handbook.export.book import SUBTITLE, TITLE, Book, Part, Question
from handbook.export.links import Links
from handbook.export.stamp import fresh
from handbook.export.typst_chars import string, symbols
from handbook.export.typst_doc import Resolver, UnknownElement, convert, convert_inline
from handbook.export.typst_math import Formula, UnknownNode
from handbook.export.typst_math import convert as convert_math
from handbook.furniture import DIFFICULTIES, KINDS
from handbook.katex import shared
from handbook.math_source import lines_of

SIZES = ("a4", "a5")
_WEIGHTS = ("400Regular", "700Bold")
_FAMILIES = ("noto-serif-sc", "noto-sans-sc")
_FIX = "改用 handbook.export 会转换的写法，或在那里补上"


def font_paths(fonts: Path) -> list[Path]:
    """`fonts` 是装着 @expo-google-fonts 的 node_modules；只取用到的字重。"""
    paths = [fonts / "@expo-google-fonts" / f / w for f in _FAMILIES for w in _WEIGHTS]
    for path in paths:
        if not path.is_dir():
            raise HandbookError(
                Problem(path, None, "没有中文字体", "运行 make export，它会装好字体")
            )
    return paths


class _Typesetter:
    """一本（或一章）书的 Typst 源文件。"""

    def __init__(self, book: Book, parts: Sequence[Part], site: str):
        self.book, self.parts, self.site = book, parts, site
        self.katex = shared(book.project)
        self.symbol = symbols(self.katex)
        self.formulas: dict[tuple[str, bool], Formula] = {}
        self.urls = {q.url: q.slug for part in parts for q in part.questions}
        self.problems: list[Problem] = []

    def math(self, tex: str, display: bool) -> Formula:
        key = (tex, display)
        if key not in self.formulas:
            tree = self.katex.parse(tex, display=display)
            try:
                self.formulas[key] = convert_math(tree, self.symbol)
            except UnknownNode as error:
                raise UnknownFormula(str(error), tex, display) from error
        return self.formulas[key]

    def figure(self, src: str) -> Path | None:
        name = re.sub(r"^(\.\./)+", "", src)
        return Path("/figures") / name if name in self.book.figures else None

    def resolver(self, here: str) -> Resolver:
        return Resolver(Links(self.urls, here, self.site))

    def question(self, question: Question) -> str:
        page, resolver = question.page, self.resolver(question.url)
        try:
            title = convert_inline(question.document.title_html, self.math, resolver)
            body = convert(question.document.html, page.slug, self.math, self.figure, resolver)
        except UnknownFormula as error:
            self._report_formula(question, error)
            return ""
        except UnknownElement as error:
            shown = self.book.project.relative(page.path)
            self.problems.append(Problem(shown, None, str(error), _FIX))
            return ""
        badges = [KINDS[page.kind], DIFFICULTIES[page.meta.difficulty]]
        badges += [f"被问 {page.asked} 次"] if page.asked else []
        listed = ", ".join(map(string, [*badges, *page.meta.tags]))
        url = f"{self.site.rstrip('/')}/{question.url}" if self.site else ""
        head = f"#question({string(page.slug)}, {string(page.number)}, [{title}], ({listed},), "
        return f"{head}{string(url)})\n\n{body}\n"

    def _report_formula(self, question: Question, error: "UnknownFormula") -> None:
        source, shown = question.page.source, self.book.project.relative(question.page.path)
        found = lines_of(source.body, error.tex, display=error.display)
        places = [line + source.body_line - 1 for line in found] or [source.key_line("title")]
        self.problems += [Problem(shown, at, str(error), _FIX, "M01") for at in places]

    def chapter(self, part: Part) -> str:
        slug, resolver = part.chapter.slug, self.resolver(f"{part.chapter.slug}/index.html")
        lead = convert(part.lead.html, f"chapter-{slug}", self.math, self.figure, resolver)
        rows = "".join(
            f"({string(q.slug)}, {string(q.page.number)}, "
            f"[{convert_inline(q.document.title_html, self.math, resolver)}]),"
            for q in part.questions
        )
        name = f"{string(slug)}, {string(part.number)}, [{_escaped(part.chapter.title)}]"
        head = f"#chapter({name}, [{lead.strip()}], ({rows}))\n"
        return head + "\n".join(map(self.question, part.questions))

    def index(self, terms: Mapping[str, Sequence[str]]) -> str:
        slugs = set(self.urls.values())
        kept = {term: [s for s in found if s in slugs] for term, found in terms.items()}
        rows = "".join(
            f"({string(term)}, ({', '.join(map(string, found))},)),"
            for term, found in kept.items()
            if found
        )
        return f"#term-index(({rows}))\n" if rows else ""

    def source(self, title: str, terms: Mapping[str, Sequence[str]]) -> str:
        date = self.book.date
        when = f"datetime(year: {date.year}, month: {date.month}, day: {date.day})"
        tags = sorted(
            {tag for part in self.parts for q in part.questions for tag in q.page.meta.tags}
        )
        keywords = ", ".join(map(string, tags))
        body = "\n".join(map(self.chapter, self.parts))
        if self.problems:
            raise HandbookError(self.problems)
        return (
            '#import "/book.typ": *\n'
            f"#show: book.with(title: {string(title)}, subtitle: {string(SUBTITLE)}, "
            f"version: {string(self.book.version)}, date: {when}, keywords: ({keywords},))\n\n"
            f"{body}\n{self.index(terms)}"
        )


class UnknownFormula(ValueError):
    def __init__(self, message: str, tex: str, display: bool):
        super().__init__(message)
        self.tex, self.display = tex, display


def _escaped(words: str) -> str:
    return f"#{string(words)};"


def document_terms(glossary: Mapping[str, Sequence[str]], book: Book) -> dict[str, list[str]]:
    """术语 → 讲到它的题：规范词或同义词出现在题目、标题、别名或一句话回答里。"""
    found: dict[str, list[str]] = {}
    for term, names in glossary.items():
        pattern = re.compile("|".join(map(_whole, (term, *names))), re.IGNORECASE)
        slugs = [q.slug for q in book.questions if pattern.search(_searched(q.document, q))]
        if slugs:
            found[term] = slugs
    return found


def _whole(name: str) -> str:
    """西文词按整词找，中文按子串找。"""
    escaped = re.escape(name)
    return rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])" if name.isascii() else escaped


def _searched(document: Document, question: Question) -> str:
    headings = [heading.text for heading in document.headings]
    answer = re.sub(r"<[^>]+>", "", document.answer)
    return "\n".join([document.title_text, *question.page.meta.aliases, *headings, answer])


def write_pdf(
    book: Book,
    parts: Sequence[Part],
    target: Path,
    *,
    title: str = TITLE,
    size: str = "a4",
    site: str = "",
    terms: Mapping[str, Sequence[str]],
    fonts: Path,
) -> None:
    """`parts` 的 PDF 写到 `target`；先写旁边的文件再改名。"""
    source = _Typesetter(book, parts, site).source(title, terms)
    data = _compile(book, source, fonts, "pdf", {"size": size}, pdf_standards=["ua-1"])
    titles = bookmarks(parts) + (["术语索引"] if "#term-index" in source else [])
    with pikepdf.open(io.BytesIO(data)) as pdf, fresh(target) as temporary:
        _rename(pdf, titles)
        pdf.save(
            temporary,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
            recompress_flate=True,
            deterministic_id=True,
        )


def bookmarks(parts: Sequence[Part]) -> list[str]:
    """各书签的名字，按书里的次序；公式已写成一行字。"""
    names = []
    for part in parts:
        names.append(f"第 {part.number} 章　{part.chapter.title}")
        for question in part.questions:
            names.append(f"{question.page.number} {question.document.title_text}")
            names += [heading.text for heading in question.document.headings]
    return names


def _rename(pdf: pikepdf.Pdf, names: Sequence[str]) -> None:
    """Typst 的书签取公式里的字符，指数会降成普通数字（x² → x2）：换成我们的写法。"""
    with pdf.open_outline() as outline:
        items = list(_flat(outline.root))
        for item, name in zip(items, names, strict=True):
            item.title = name


def _flat(items: Iterable[pikepdf.OutlineItem]) -> Iterator[pikepdf.OutlineItem]:
    for item in items:
        yield item
        yield from _flat(item.children)


def cover_png(book: Book, fonts: Path) -> bytes:
    """封面的图片，给 EPUB 用；与 PDF 的封面是同一个版式。"""
    arguments = ", ".join(map(string, (TITLE, SUBTITLE, book.version)))
    source = (
        f'#import "/book.typ": cover\n#set page(width: 120mm, height: 160mm)\n#cover({arguments})\n'
    )
    return _compile(book, source, fonts, "png", {}, ppi=180.0)


def _compile(
    book: Book,
    source: str,
    fonts: Path,
    form: Literal["pdf", "png"],
    inputs: dict[str, str],
    **options: Any,
) -> bytes:
    with tempfile.TemporaryDirectory(prefix="handbook-pdf-") as name:
        root = Path(name)
        template = book.project.root / "tools" / "export" / "book.typ"
        (root / "book.typ").write_text(template.read_text("utf-8"), "utf-8")
        (root / "main.typ").write_text(source, "utf-8")
        for path, svg in book.figures.items():
            (root / "figures" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "figures" / path).write_text(svg, "utf-8")
        made = typst.compile(
            str(root / "main.typ"),
            root=str(root),
            font_paths=[str(path) for path in font_paths(fonts)],
            ignore_system_fonts=True,
            format=form,
            sys_inputs=inputs,
            **options,
        )
        assert isinstance(made, bytes)
        return made
