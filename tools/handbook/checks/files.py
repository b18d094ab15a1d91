"""文件一一对应（S01）：页面、片段、测试三者齐全，没有多出来的。"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from handbook.catalog import Catalog, Page
from handbook.errors import Problem

RULE = "S01"
_SUFFIXES = {".py", ".c", ".cpp", ".out"}
_HELPERS = {"__init__.py", "conftest.py"}


def check(catalog: Catalog, pages: Sequence[Page]) -> list[Problem]:
    problems = [problem for page in pages for problem in _of_page(catalog, page)]
    if len(pages) == len(catalog.pages):
        problems += _strays(catalog)
    return problems


def plain_files(catalog: Catalog) -> list[Path]:
    """题目以外的 Markdown：章的导语、「关于」、根目录的说明。"""
    project = catalog.project
    known = {page.path for page in catalog.pages.values()}
    found = [*project.docs.rglob("*.md"), *project.root.glob("*.md")]
    return sorted(path for path in found if path not in known)


def _of_page(catalog: Catalog, page: Page) -> Iterator[Problem]:
    project = catalog.project
    shown = project.relative(page.path)
    folder, stem = page.chapter.slug, page.slug.replace("-", "_")
    test = f"tests/snippets/{folder}/test_{stem}.py"
    snippets = [project.snippets / folder / f"{stem}{s}" for s in (".py", ".c", ".cpp")]
    found = [path for path in snippets if path.is_file()]
    if page.meta.has_code:
        if not found:
            fix = "写片段与测试；不宜写代码的，在题头写 code: 无——<理由>"
            yield Problem(shown, None, f"没有片段 snippets/{folder}/{stem}.py", fix, RULE)
        if not page.test.is_file():
            yield Problem(shown, None, f"没有测试 {test}", "写测试，与独立的参考实现比较", RULE)
        for extra in found[1:]:
            message = f"片段已有 {found[0].name}，又有 {extra.name}"
            yield Problem(project.relative(extra), None, message, "只留一个", RULE)
        return
    line = page.source.key_line("code")
    for path in (*found, page.test):
        if path.is_file():
            name = project.relative(path).as_posix()
            fix = f"删去 {name}，或去掉题头的 code"
            yield Problem(shown, line, f"题头说没有代码，却有 {name}", fix, RULE)


def _strays(catalog: Catalog) -> Iterator[Problem]:
    """没有页面的片段与测试，没有片段的 .out，以及不该在这些目录里的文件。"""
    project = catalog.project
    stems = {(p.chapter.slug, p.slug.replace("-", "_")) for p in catalog.pages.values()}
    for path in _files(project.snippets):
        key = (path.parent.name, path.stem)
        if path.name in _HELPERS or path.name.startswith("_"):
            continue
        if path.suffix not in _SUFFIXES or path.parent.parent != project.snippets:
            yield _stray(catalog, path, "snippets/ 里不该有的文件", "删去或移走")
        elif key not in stems:
            page = f"docs/{key[0]}/{key[1].replace('_', '-')}.md"
            yield _stray(catalog, path, f"没有页面 {page}", "写页面，或删去片段")
        elif path.suffix == ".out" and not _has_source(path):
            yield _stray(catalog, path, "录下的输出没有片段", "删去，或补上片段")
    for path in _files(project.snippet_tests):
        key = (path.parent.name, path.stem.removeprefix("test_"))
        if path.name in _HELPERS:
            continue
        if not path.name.startswith("test_") or path.suffix != ".py":
            yield _stray(catalog, path, "不是 test_<名>.py", "改名、移走或删去")
        elif key not in stems:
            page = f"docs/{key[0]}/{key[1].replace('_', '-')}.md"
            yield _stray(catalog, path, f"没有页面 {page}", "写页面，或删去测试")


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _has_source(output: Path) -> bool:
    return any(output.with_suffix(suffix).is_file() for suffix in (".py", ".c", ".cpp"))


def _stray(catalog: Catalog, path: Path, message: str, fix: str) -> Problem:
    return Problem(catalog.project.relative(path), None, message, fix, RULE)
