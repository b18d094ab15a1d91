"""全部页面的转换结果，按内容缓存：源文件、片段、运行结果、设置与版本都没变的页面不再转换。

缓存的文件一页一个，新的盖掉旧的；有问题的页面不进缓存，所以问题每次都会报出来。
"""

import ast
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from handbook.catalog import Catalog
from handbook.context import Ran
from handbook.convert import Document, Heading, convert, convert_plain, settings
from handbook.errors import HandbookError, Problem
from handbook.katex import shared
from handbook.page import Source, read_source
from handbook.project import Project

_PACKAGES = ("Markdown", "pymdown-extensions", "Pygments")
_HERE = Path(__file__).parent


def _imports(module: Path) -> set[Path]:
    """`module` 导入的本包模块。"""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == _HERE.name:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            package, _, name = node.module.partition(".")
            names |= {name} if package == _HERE.name else set()
    return {path for name in names if (path := _HERE / f"{name}.py").is_file()}


@functools.lru_cache(maxsize=4)
def _tools(configuration: str) -> bytes:
    """转换所用的程序：第三方包的版本，转换与各扩展直接、间接导入的本包源码。"""
    extensions = [name for name in settings(configuration) if name.startswith(f"{_HERE.name}.")]
    todo = {_HERE / f"{name.rpartition('.')[2]}.py" for name in [*extensions, "convert"]}
    used: set[Path] = set()
    while todo:
        module = todo.pop()
        used.add(module)
        todo |= _imports(module) - used
    versions = " ".join(f"{name}={version(name)}" for name in _PACKAGES)
    return b"\0".join([versions.encode(), *(module.read_bytes() for module in sorted(used))])


def _key(project: Project, source: Source, snippet: Path | None, ran: Ran | None) -> str:
    """转换结果所依赖的一切的哈希。"""
    configuration = (project.root / "mkdocs.yml").read_text("utf-8")
    digest = hashlib.sha256(_tools(configuration))
    digest.update(shared(project).version.encode())
    digest.update(configuration.encode())
    parts = [
        source.path.relative_to(project.root).as_posix(),
        source.header,
        source.body,
        snippet.read_text("utf-8") if snippet else None,
        asdict(ran) if ran else None,
    ]
    digest.update(json.dumps(parts, ensure_ascii=False, default=str).encode())
    return digest.hexdigest()


def _load(file: Path, key: str) -> Document | None:
    if not file.is_file():
        return None
    saved = json.loads(file.read_text("utf-8"))
    if saved["key"] != key:
        return None
    fields = saved["document"]
    fields["headings"] = tuple(Heading(**heading) for heading in fields["headings"])
    return Document(**fields)


def _save(file: Path, key: str, document: Document) -> None:
    """先写旁边的文件再改名：中断的构建不留下半个文件。"""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"key": key, "document": asdict(document)}, ensure_ascii=False)
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)


def _cached(
    project: Project,
    source: Source,
    snippet: Path | None,
    ran: Ran | None,
    make: Callable[[], Document],
) -> Document:
    name = source.path.relative_to(project.docs).with_suffix(".json")
    file, key = project.cache / "pages" / name, _key(project, source, snippet, ran)
    document = _load(file, key)
    if document is None:
        document = make()
        _save(file, key, document)
    return document


def plain_sources(catalog: Catalog) -> list[Source]:
    """题目以外的 Markdown 页面：首页、各章的导语、「关于」。"""
    project = catalog.project
    questions = {page.path for page in catalog.pages.values()}
    paths = sorted(path for path in project.docs.rglob("*.md") if path not in questions)
    return [read_source(path, project.relative(path)) for path in paths]


def convert_all(
    catalog: Catalog, ran: Mapping[str, Ran], generated: Iterable[Source] = ()
) -> dict[str, Document]:
    """docs/ 里的相对路径 → 转换结果；所有页面的问题一次报完。`generated` 是没有文件的页面。"""
    project = catalog.project
    made: dict[str, Document] = {}
    problems: list[Problem] = []

    def add(
        source: Source, snippet: Path | None, run: Ran | None, make: Callable[[], Document]
    ) -> None:
        try:
            document = _cached(project, source, snippet, run, make)
        except HandbookError as error:
            problems.extend(error.problems)
        else:
            made[source.path.relative_to(project.docs).as_posix()] = document

    for page in catalog.pages.values():
        run = ran.get(page.slug)
        add(page.source, page.snippet, run, functools.partial(convert, page, run, project))
    for source in [*plain_sources(catalog), *generated]:
        add(source, None, None, functools.partial(convert_plain, source, project))
    shared(project).save()
    if problems:
        raise HandbookError(problems)
    return made
