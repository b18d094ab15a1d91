"""每一页都守规则，每个片段的演示与作图都真正跑过：对 docs/ 里的全部页面逐页检查。

片段在本进程里跑（覆盖率算得到 `__main__` 与作图函数），输出须与构建时沙箱里跑出的逐字节相同。
"""

import runpy
from functools import cache
from pathlib import Path

import matplotlib
import matplotlib.pyplot
import pytest
from handbook.catalog import Catalog, Page, load_catalog
from handbook.checks import run_all
from handbook.checks.code import is_figure
from handbook.context import Ran
from handbook.errors import Problem
from handbook.project import Project
from handbook.runner import run_snippets
from matplotlib.figure import Figure

matplotlib.use("Agg")


@cache
def catalog() -> Catalog:
    return load_catalog(Project.find(Path(__file__).parent))


@cache
def problems() -> tuple[Problem, ...]:
    return tuple(run_all(catalog()))


def ran(page: Page) -> Ran:
    """结果取自缓存；片段跑不通时只有它自己的测试变红。"""
    return run_snippets(catalog(), only={page.slug})[page.slug]


def files_of(page: Page) -> set[Path]:
    relative = catalog().project.relative
    return {relative(path) for path in (page.path, page.snippet, page.test) if path}


PAGES = list(catalog().pages.values())
PYTHON = [page for page in PAGES if page.snippet and page.snippet.suffix == ".py"]


def slug(page: Page) -> str:
    return page.slug


@pytest.mark.parametrize("page", PAGES, ids=slug)
def test_page_keeps_the_rules(page):
    found = [str(problem) for problem in problems() if problem.path in files_of(page)]
    assert found == [], "\n".join(found)


def test_nothing_else_breaks_the_rules():
    """章的导语、「关于」、没有页面的片段与测试。"""
    owned = {path for page in PAGES for path in files_of(page)}
    found = [str(problem) for problem in problems() if problem.path not in owned]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("page", PYTHON, ids=slug)
def test_demo_prints_what_the_site_shows(page, capsys):
    runpy.run_path(str(page.snippet), run_name="__main__")
    assert capsys.readouterr().out == ran(page).output


@pytest.mark.parametrize("page", PYTHON, ids=slug)
def test_figures_are_drawn(page):
    found = runpy.run_path(str(page.snippet))
    drawn = {}
    for name in filter(is_figure, found):
        drawn[name.removeprefix("figure").removeprefix("_")] = figure = found[name]()
        assert isinstance(figure, Figure)
        figure.draw_without_rendering()
    assert set(drawn) == set(ran(page).figures)
    matplotlib.pyplot.close("all")
