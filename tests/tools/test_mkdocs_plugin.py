"""真的用 MkDocs 严格构建最小的手册：网页上有什么、没有什么、什么时候失败。"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from handbook.errors import HandbookError
from handbook.links import check_links
from handbook.project import Project
from lxml import html
from mkdocs.commands.build import build
from mkdocs.config import load_config

CUBE = """\
---
title: 立方函数怎样求导？
title_en: Derivative of the cube
difficulty: 2
tags: [手推公式]
related: [square]
code: 无——只看网页
---

## 一句话回答

三倍的平方，见[上一题](square.md#由定义求导)。
"""


def make(project: Project, target: Path) -> Path:
    """严格构建，返回站点的目录。"""
    config = load_config(str(project.root / "mkdocs.yml"), site_dir=str(target), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return target


def add_cube(project: Project) -> None:
    project.page("demo", "cube").write_text(CUBE, "utf-8")


def tree(site: Path, name: str) -> html.HtmlElement:
    return html.fromstring((site / name).read_text("utf-8"))


def text(element: html.HtmlElement) -> str:
    return re.sub(r"\s+", " ", element.text_content()).strip()


@pytest.fixture(scope="module")
def first(shared_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """一题在、一题缺时的站点。"""
    return make(shared_project, tmp_path_factory.mktemp("first") / "site")


@pytest.fixture(scope="module")
def site(first: Path, shared_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """添上缺的那一题之后的站点。"""
    add_cube(shared_project)
    return make(shared_project, tmp_path_factory.mktemp("second") / "site")


def test_a_question_page_is_complete(site: Path) -> None:
    page = tree(site, "demo/square.html")
    assert page.xpath("//title/text()") == ["平方函数 f(x) = x² 怎样求导？ - 视觉算法面试手册"]
    (heading,) = page.xpath("//h1")
    assert text(heading).startswith("1.1 平方函数") and heading.xpath(".//math")
    (head,) = page.xpath('//header[@class="question-head"]')
    for word in (
        "第 1 章 示例",
        "入门",
        "推导",
        "被问 2 次",
        "手推公式",
        "Derivative of the square",
    ):
        assert word in text(head)
    (foot,) = page.xpath('//footer[@class="question-foot"]')
    for word in ("snippets/demo/square.py", "test_square.py，与按定义的暴力枚举比较", "最近验证"):
        assert word in text(foot)
    assert page.xpath('//a[@rel="next"]/@href') == ["cube.html"]
    assert not page.xpath('//a[@rel="prev"]')
    assert "f'(3) = 6" in page.text_content()
    description = page.xpath('//meta[@name="description"]/@content')
    assert description == [text(page.xpath("//h2[1]/following-sibling::p[1]")[0])]


def test_neighbours_related_and_contents_are_derived(site: Path) -> None:
    page = tree(site, "demo/cube.html")
    (foot,) = page.xpath('//footer[@class="question-foot"]')
    assert foot.xpath(".//dd//a/@href") == ["square.html"]
    assert page.xpath('//a[@rel="prev"]/@href') == ["square.html"]
    contents = tree(site, "demo/square.html").xpath('//nav[contains(@class,"secondary")]//a')
    assert [text(link) for link in contents][:3] == ["一句话回答", "详细解答", "由定义求导"]


def test_home_page_counts_and_ranks(site: Path) -> None:
    home = tree(site, "index.html")
    rows = [text(row) for row in home.xpath('//table[@class="chapters"]//tr')]
    assert rows == ["章题数", "1 示例 2", "合计2"]
    hot = home.xpath('//h2[@id="hot"]/following-sibling::ul[1]/li/a/@href')
    assert hot == ["demo/square.html", "demo/cube.html"]


def test_sidebar_lists_chapters_and_only_the_current_ones_questions(site: Path) -> None:
    links = '//nav[contains(@class,"md-nav--primary")]//a/@href'
    questions = [
        u for u in tree(site, "demo/cube.html").xpath(links) if "/" not in u and "#" not in u
    ]
    assert questions == ["index.html", "square.html", "cube.html"]
    home = tree(site, "index.html").xpath(links)
    assert "demo/index.html" in home and "demo/square.html" not in home
    assert home[-1].startswith("about/")


def test_search_index_has_neither_formulas_nor_code(site: Path) -> None:
    docs = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    words = "".join(doc["title"] + doc["text"] for doc in docs)
    assert "切线斜率随" in words and "平方函数 f(x) = x² 怎样求导？" in words
    for stranger in ("mathbb", "mathcal", "ℝ", "∂", "def derivative", "f'(3)", "&para;"):
        assert stranger not in words


def test_site_brings_everything_it_uses(site: Path, shared_project: Project) -> None:
    assert check_links(site, shared_project) == []
    fonts = sorted(path.name for path in (site / "assets" / "katex" / "fonts").iterdir())
    style = (site / "assets" / "katex" / "katex.min.css").read_text("utf-8")
    assert fonts and sorted(set(re.findall(r"fonts/([^)]+)", style))) == fonts
    assert all(name.endswith(".woff2") for name in fonts)
    folder = site / "assets" / "snippets" / "demo"
    source = (shared_project.root / "snippets/demo/square.py").read_bytes()
    assert (folder / "square.py").read_bytes() == source
    assert json.loads((folder / "square.ipynb").read_text("utf-8"))["cells"]
    assert (site / "assets/figures/demo/square.svg").read_text("utf-8").startswith("<svg")


def test_generated_coverage_page_is_there(site: Path) -> None:
    page = tree(site, "about/coverage.html")
    assert [text(heading) for heading in page.xpath("//h1")] == ["题目来源与覆盖"]


def test_a_bad_formula_stops_the_build(project: Project, tmp_path: Path) -> None:
    page = project.page("demo", "square")
    page.write_text(page.read_text("utf-8").replace("f'(x) = 2x\n", "\\nosuch\n"), "utf-8")
    with pytest.raises(HandbookError, match=r"docs/demo/square\.md:\d+: \[M01\]"):
        make(project, tmp_path / "site")
    assert not (tmp_path / "site" / "index.html").exists()


def test_a_broken_link_or_anchor_is_found_with_its_line(project: Project, tmp_path: Path) -> None:
    add_cube(project)
    page = project.page("demo", "cube")
    text_ = CUBE + "\n见[甲](nowhere.md)与[乙](square.md#没有)。\n"
    page.write_text(text_, "utf-8")
    line = text_.splitlines().index("见[甲](nowhere.md)与[乙](square.md#没有)。") + 1
    problems = check_links(make(project, tmp_path / "site"), project)
    assert [(p.path.as_posix(), p.line, p.rule) for p in problems] == [
        ("docs/demo/cube.md", line, "P14")
    ] * 2


def test_chapter_page_lists_questions_and_what_is_missing(first: Path) -> None:
    chapter = tree(first, "demo/index.html")
    (row,) = chapter.xpath('//ul[@class="questions"]/li')
    assert "割线斜率取极限" in text(row) and "被问 2 次" in text(row)
    missing = [text(li) for li in chapter.xpath('//ul[@class="missing"]/li')]
    assert missing == ["立方函数怎样求导？ 待写"]
    assert "一章一题。" in chapter.text_content()


def test_a_question_is_added_by_its_own_files_only(
    first: Path, site: Path, shared_project: Project
) -> None:
    assert not (first / "demo/cube.html").exists()
    chapter = tree(site, "demo/index.html")
    assert len(chapter.xpath('//ul[@class="questions"]/li')) == 2
    assert not chapter.xpath('//ul[@class="missing"]')
    real = Project.find(Path(__file__).parent).root / "mkdocs.yml"
    assert (shared_project.root / "mkdocs.yml").read_bytes() == real.read_bytes()


def test_a_warm_build_gives_the_same_site_without_converting(
    site: Path, shared_project: Project, tmp_path: Path
) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        paths = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".gz"]
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}

    saved = {p: p.stat().st_mtime_ns for p in shared_project.cache.rglob("pages/**/*.json")}
    assert files(make(shared_project, tmp_path / "warm")) == files(site)
    assert saved == {p: p.stat().st_mtime_ns for p in saved}


def test_repository_links_appear_only_where_the_address_is_set(
    site: Path, shared_project: Project, tmp_path: Path
) -> None:
    """由 mkdocs 命令自己构建：不靠本项目的构建程序也行。"""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    address = "https://example.org/book"
    subprocess.run(
        command,
        cwd=shared_project.root,
        env=os.environ | {"HANDBOOK_REPO_URL": address},
        check=True,
        capture_output=True,
    )
    page = tree(tmp_path / "site", "demo/square.html")
    edit = f"{address}/edit/main/docs/demo/square.md"
    assert page.xpath('//a[text()="编辑此页"]/@href') == [edit]
    assert len(page.xpath('//a[text()="报告错误"]')) == 1
    without = tree(site, "demo/square.html")
    assert not without.xpath('//a[text()="编辑此页" or text()="报告错误"]')
