"""目录由文件导出：章序、题序、编号、前后题、缺题；放错的、重名的、认不出的都报错。"""

import pytest
from handbook.catalog import known_tags, load_catalog
from handbook.errors import HandbookError

PAGE = "docs/demo/square.md"


def add(broken, slug, title, kind="", chapter="demo"):
    """再写一页；内容不紧要，题头合法即可。"""
    head = f"title: {title}\ntitle_en: T\ndifficulty: 1\ntags: [卷积]\n"
    path = broken.path(f"docs/{chapter}/{slug}.md")
    path.write_text(f"---\n{head}{f'kind: {kind}' if kind else ''}\n---\n\n正文。\n", "utf-8")


def chapter(broken, slug, order, title="另一章"):
    path = broken.path(f"docs/{slug}/index.md")
    path.parent.mkdir()
    path.write_text(f"---\ntitle: {title}\norder: {order}\n---\n\n导语 {slug}。\n", "utf-8")


def complaints(broken):
    with pytest.raises(HandbookError) as caught:
        load_catalog(broken.project)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_page_gets_what_the_files_and_the_inventory_say(broken):
    page = load_catalog(broken.project).pages["square"]
    assert (page.number, page.kind, page.asked) == ("1.1", "derivation", 2)
    assert page.asks == ("由定义求导", "几何意义")
    assert page.snippet == broken.path("snippets/demo/square.py")
    assert page.test == broken.path("tests/snippets/demo/test_square.py")
    assert page.chapter.title == "示例"
    assert page.chapter.lead == "一章一题。"


def test_order_follows_the_inventory_then_the_slug(broken):
    add(broken, "cube", "立方")
    add(broken, "zeta", "另一题", kind="concept")
    add(broken, "alpha", "又一题", kind="concept")
    catalog = load_catalog(broken.project)
    assert list(catalog.pages) == ["square", "cube", "alpha", "zeta"]
    assert [p.number for p in catalog.pages.values()] == ["1.1", "1.2", "1.3", "1.4"]
    assert catalog.pages["alpha"].kind == "concept"
    assert catalog.pages["alpha"].asked == 0


def test_chapters_stand_in_their_order(broken):
    chapter(broken, "early", 0)
    chapter(broken, "late", 9)
    add(broken, "one", "题一", kind="open", chapter="late")
    catalog = load_catalog(broken.project)
    assert [c.slug for c in catalog.chapters] == ["early", "demo", "late"]
    assert catalog.pages["one"].number == "3.1"
    assert catalog.pages["square"].number == "2.1"


def test_neighbours_stay_in_the_chapter(broken):
    add(broken, "cube", "立方")
    chapter(broken, "late", 9)
    add(broken, "one", "题一", kind="open", chapter="late")
    catalog = load_catalog(broken.project)
    square, cube, one = (catalog.pages[slug] for slug in ("square", "cube", "one"))
    assert catalog.neighbours(square) == (None, cube)
    assert catalog.neighbours(cube) == (square, None)
    assert catalog.neighbours(one) == (None, None)


def test_missing_questions(broken):
    assert [q.slug for q in load_catalog(broken.project).missing["demo"]] == ["cube"]
    add(broken, "cube", "立方")
    assert load_catalog(broken.project).missing["demo"] == ()


def test_complete_mark(broken):
    assert not load_catalog(broken.project).chapters[0].complete
    broken.change("docs/demo/index.md", "order: 1", "order: 1\ncomplete: true")
    assert load_catalog(broken.project).chapters[0].complete


def test_tags_come_from_the_table(project):
    tags = known_tags(project)
    assert {"归一化", "开放题"} <= tags
    assert not {"标签", "---", "含义"} & tags


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: 示例", "name: 示例", "docs/demo/index.md:1: 章的题头不对"),
        ("order: 1", "order: 一", "docs/demo/index.md:1: 章的题头不对"),
        ("order: 1", "order: 1\nicon: x", "docs/demo/index.md:1: 章的题头不对"),
    ],
)
def test_wrong_chapter_header(broken, old, new, message):
    broken.change("docs/demo/index.md", old, new)
    assert message in complaints(broken)


def test_chapter_without_index(broken):
    broken.path("docs/demo/index.md").unlink()
    assert complaints(broken).startswith("docs/demo: 这一章没有 index.md")


def test_unlisted_page_names_its_kind(broken):
    add(broken, "alpha", "又一题")
    assert "docs/demo/alpha.md:1: [P01] 清单里没有 alpha" in complaints(broken)


def test_listed_page_does_not(broken):
    add(broken, "cube", "立方", kind="open")
    assert "docs/demo/cube.md:6: [P01] 清单里的题不写 kind" in complaints(broken)


def test_page_in_the_wrong_chapter(broken):
    chapter(broken, "late", 9)
    add(broken, "cube", "立方", chapter="late")
    assert "docs/late/cube.md: 清单把 cube 放在 demo 章" in complaints(broken)


def test_same_slug_twice(broken):
    chapter(broken, "late", 9)
    add(broken, "square", "又一个平方", chapter="late")
    assert "docs/late/square.md: slug 与 docs/demo/square.md 重复" in complaints(broken)


def test_same_title_twice(broken):
    title = load_catalog(broken.project).pages["square"].meta.title
    add(broken, "cube", title)
    assert "docs/demo/cube.md:2: [P15] 题目与 docs/demo/square.md 相同" in complaints(broken)


def test_unknown_related_question(broken):
    broken.change(PAGE, "difficulty: 1\n", "difficulty: 1\nrelated: [cube, nothing]\n")
    assert complaints(broken).startswith(f"{PAGE}:5: [P14] related 里没有 nothing 这道题")
