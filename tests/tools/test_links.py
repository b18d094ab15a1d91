"""成品网站的链接检查：好的放过，坏的各种各样都报到该改的地方。"""

from pathlib import Path

import pytest
from handbook.links import check_links
from handbook.project import Project

HOME = '<h1 id="top">首页</h1><a href="a/b.html">乙</a>'
PAGE = """\
<link rel="stylesheet" href="../assets/x.css"><link rel="canonical" href="https://example.org/">
<h2 id="甲-乙">甲</h2><a name="old"></a><img src="../assets/x.svg" alt="">
<a href="../index.html#top">首页</a><a href="#甲-乙">这里</a><a href="#%E7%94%B2-%E4%B9%99">这里</a>
<a href="#">顶</a><a href="#old">旧</a><a href="https://example.org/nowhere">站外</a>
<a href="mailto:a@example.org">信</a><a href="javascript:void(0)">钮</a><img src="data:image/png,">
"""
STYLE = '@font-face{src:url(f.woff2)}a{background:url("data:image/svg+xml,x")}'


class Site:
    def __init__(self, root: Path):
        self.project, self.folder = Project(root), root / "site"
        files = {
            "mkdocs.yml": "",
            "docs/index.md": "[乙](a/b.md)\n",
            "docs/a/b.md": "---\ntitle: 乙\n---\n\n第一段。\n",
            "site/index.html": HOME,
            "site/a/b.html": PAGE,
            "site/404.html": '<a href="/index.html">首页</a><script src="/assets/x.js"></script>',
            "site/assets/x.css": STYLE,
            "site/assets/x.svg": "<svg/>",
            "site/assets/x.js": "",
            "site/assets/f.woff2": "",
        }
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def add(self, name: str, text: str) -> None:
        path = self.project.root / name
        path.write_text((path.read_text("utf-8") if path.exists() else "") + text, "utf-8")

    def problems(self) -> list[str]:
        return [str(problem) for problem in check_links(self.folder, self.project)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_sound_site_has_no_problem(site: Site) -> None:
    assert site.problems() == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("gone.html", "gone.html 所指的 a/gone.html 不存在"),
        ("../index.html#没有", "所指的锚点 #没有 不存在"),
        ("#%E6%B2%A1", "所指的锚点 #没 不存在"),
        ("../a/", "../a/ 所指的 a 不存在"),  # 从磁盘打开时目录没有首页
        ("../../x.html", "../../x.html 所指的 ../x.html 不存在"),
        ("/index.html", "从根写起"),
        ("../INDEX.html", "INDEX.html 不存在"),  # 有的文件系统不分大小写
    ],
)
def test_broken_links_are_found(site: Site, link: str, said: str) -> None:
    site.add("site/a/b.html", f'<a href="{link}">坏</a>')
    (problem,) = site.problems()
    assert said in problem and "[P14]" in problem


@pytest.mark.parametrize(
    "element",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.org/x.css">',
        '<link rel="preconnect" href="https://cdn.example.org">',
        '<img src="http://example.org/x.png" alt="">',
        '<iframe src="https://example.org/"></iframe>',
    ],
)
def test_nothing_may_be_loaded_from_elsewhere(site: Site, element: str) -> None:
    site.add("site/a/b.html", element)
    (problem,) = site.problems()
    assert "从站外加载" in problem and "example.org" in problem


def test_missing_images_and_style_resources_are_found(site: Site) -> None:
    (site.folder / "assets" / "f.woff2").unlink()
    (site.folder / "assets" / "x.svg").unlink()
    found = site.problems()
    assert len(found) == 2
    assert any("f.woff2" in problem for problem in found)
    assert any("x.svg" in problem for problem in found)


def test_a_written_link_is_reported_at_each_line_of_its_source(site: Site) -> None:
    site.add("docs/a/b.md", "\n[甲](gone.md)\n\n[乙][r]与 [丙](gone.md#x)\n\n[r]: gone.md\n")
    site.add("site/a/b.html", '<a href="gone.html">甲</a><a href="gone.html#x">丙</a>')
    places = [problem.split(" ")[0] for problem in site.problems()]
    assert places == ["docs/a/b.md:7:", "docs/a/b.md:9:", "docs/a/b.md:11:"]


def test_problems_with_and_without_a_line_stand_in_order(site: Site) -> None:
    site.add("docs/index.md", "\n[甲](gone.md)\n")
    site.add("site/index.html", '<a href="gone.html">甲</a><a href="lost.html">乙</a>')
    places = [problem.split(" ")[0] for problem in site.problems()]
    assert places == ["docs/index.md:3:", "site/index.html:"]


def test_a_link_of_the_template_is_reported_once(site: Site) -> None:
    for name in ("site/index.html", "site/404.html"):
        site.add(name, '<a href="gone.html">坏</a>')
    (problem,) = site.problems()
    assert problem.startswith("site/404.html: ") and "tools/theme" in problem
