"""运行片段：渲染页面之前把所有片段跑完，结果按内容缓存；有错就把坏的片段一次列全。"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from handbook import recorded, sandbox, snippet_cache
from handbook.catalog import Catalog
from handbook.context import Ran
from handbook.errors import HandbookError
from handbook.pool import Pool
from handbook.project import Project
from handbook.sandbox import Limits
from handbook.snippet_report import no_snippet, on_page, rejected
from handbook.verdict import Failure, judge
from handbook.worker import Task

Progress = Callable[[str], None]


def run_one(path: Path, project: Project, *, limits: Limits | None = None) -> Ran:
    """不经缓存、在新的执行器里运行一个片段；不成则抛 HandbookError，指到片段的行。"""
    with Pool(project.cache, 1) as pool:
        result = _run(pool, path, project, limits or Limits())
    if isinstance(result, Failure):
        raise HandbookError(result.on_itself())
    return result


def run_snippets(
    catalog: Catalog,
    *,
    only: Collection[str] | None = None,
    jobs: int = 2,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> dict[str, Ran]:
    """各页（或 `only` 里各 slug）片段的结果，键为 slug；坏的连同页面与行号一次列全。

    `progress` 收到一行行可以直接打印的文字。
    """
    say = progress or (lambda line: None)
    project = catalog.project
    pages = {s: p for s, p in catalog.pages.items() if only is None or s in only}
    results: dict[str, Ran | Failure] = {}
    todo: dict[str, str] = {}  # slug → 缓存的键
    for slug, page in pages.items():
        if page.snippet is None:
            if page.meta.has_code:
                results[slug] = no_snippet(page)
        elif recorded.is_recorded(page.snippet):
            results[slug] = recorded.read(page.snippet, project)
        else:
            key = snippet_cache.key_of(page.snippet, project)
            if ran := snippet_cache.load(key, project):
                results[slug] = ran
            else:
                todo[slug] = key
    say(f"片段：共 {len(results) + len(todo)} 个，要运行 {len(todo)} 个，其余已有结果")
    if todo:
        for line in sandbox.missing():
            say(f"片段：{line}")
        results |= _run_all(todo, catalog, jobs, limits or Limits(), say)
    good = {s: r for s in pages if isinstance(r := results.get(s), Ran)}
    bad = {s: r for s, r in results.items() if isinstance(r, Failure)}
    bad |= dict(rejected(good, catalog))
    if bad:
        raise HandbookError([on_page(catalog.pages[s], f, project) for s, f in bad.items()])
    return good


def _run(pool: Pool, path: Path, project: Project, limits: Limits) -> Ran | Failure:
    shown = project.relative(path).as_posix()
    task = Task(str(path.resolve()), shown, str(project.snippets), limits)
    return judge(pool.run(task), task)


def _run_all(
    todo: Mapping[str, str], catalog: Catalog, jobs: int, limits: Limits, say: Progress
) -> dict[str, Ran | Failure]:
    project = catalog.project
    results: dict[str, Ran | Failure] = {}
    threads = ThreadPoolExecutor(jobs)
    with Pool(project.cache, jobs) as pool:
        try:
            futures = {}
            for slug in todo:
                path = catalog.pages[slug].snippet
                assert path is not None
                futures[threads.submit(_run, pool, path, project, limits)] = slug
            for count, future in enumerate(as_completed(futures), start=1):
                slug = futures[future]
                results[slug] = result = future.result()
                if isinstance(result, Ran):
                    snippet_cache.store(todo[slug], result, project)
                mark = "失败 " if isinstance(result, Failure) else ""
                say(f"片段 {count}/{len(todo)}：{mark}{catalog.pages[slug].chapter.slug}/{slug}")
        finally:  # 按了 Ctrl-C 时不等正在跑的：关掉执行器，它们随之结束
            threads.shutdown(wait=False, cancel_futures=True)
    return results
