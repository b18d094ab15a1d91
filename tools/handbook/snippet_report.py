"""片段的失败怎样说给作者听：记在页面的哪一行；哪些跑通了也不收。"""

from collections.abc import Iterator, Mapping

from handbook import svg
from handbook.catalog import Catalog, Page
from handbook.context import Ran
from handbook.directives import SNIPPET, scan
from handbook.errors import Problem
from handbook.project import Project
from handbook.verdict import Failure


def no_snippet(page: Page) -> Failure:
    name = page.slug.replace("-", "_")
    place = f"snippets/{page.chapter.slug}/{name}.py"
    return Failure(
        place,
        None,
        f"没有片段 {place}",
        fix="写片段与它的测试，或在题头写 code: 无——<理由>",
        rule="S01",
    )


def rejected(good: Mapping[str, Ran], catalog: Catalog) -> Iterator[tuple[str, Failure]]:
    """跑通了也不收的：什么也没打印的，图的文件名与别页相撞的。"""
    owners: dict[str, str] = {}
    for slug, ran in good.items():
        page = catalog.pages[slug]
        assert page.snippet is not None
        shown = catalog.project.relative(page.snippet).as_posix()
        if page.meta.has_code and not ran.output.strip():
            yield slug, Failure(shown, None, "什么也没有打印", fix="在 __main__ 里打印可核对的结果")
        for name in ran.figures:
            file = f"{page.chapter.slug}/{svg.file_name(slug, name)}"
            other = owners.setdefault(file, slug)
            if other != slug:
                message = f"图的文件名 {file} 与 {other} 的图相同"
                yield slug, Failure(shown, None, message, fix="给作图函数换个名字", rule="S07")


def on_page(page: Page, failure: Failure, project: Project) -> Problem:
    """失败记在页面上 `/// snippet` 那一行；没有这一行则只记页面。"""
    lines = page.source.body.split("\n")
    at = next((d.line + page.source.body_line - 1 for d in scan(lines) if d.kind == SNIPPET), None)
    message = failure.message
    if failure.rule != "S01":
        message = f"片段 {failure.place}：{message}"
    return Problem(project.relative(page.path), at, message, failure.advice, failure.rule)
