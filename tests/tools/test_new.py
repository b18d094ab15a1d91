"""make new：三个文件，模板未填就过不了检查。"""

import pytest
from handbook.catalog import load_catalog
from handbook.errors import HandbookError
from handbook.new import new_question


def test_listed_question_gets_its_title_and_asks(project):
    files = new_question(project, "cube", "demo")
    assert [project.relative(f).as_posix() for f in files] == [
        "docs/demo/cube.md",
        "snippets/demo/cube.py",
        "tests/snippets/demo/test_cube.py",
    ]
    text = files[0].read_text("utf-8")
    assert "title: 立方函数怎样求导？" in text
    assert '### 求导 {data-asks="1"}' in text


def test_unfilled_template_does_not_load(project):
    new_question(project, "cube", "demo")
    with pytest.raises(HandbookError, match=r"docs/demo/cube\.md:5: \[P01\] 标签 待补"):
        load_catalog(project)


def test_addition_names_its_kind(project):
    page = new_question(project, "fourth-power", "demo")[0]
    assert "kind: concept" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("slug", "chapter", "message"),
    [
        ("Cube", "demo", "SLUG「Cube」不合规"),
        ("", "demo", "SLUG「」不合规"),
        ("cube", "nowhere", "CHAPTER 取"),
        ("square", "demo", "文件已存在"),
    ],
)
def test_refusals_name_the_mend(project, slug, chapter, message):
    before = sorted(project.root.rglob("*.md"))
    with pytest.raises(HandbookError, match=message):
        new_question(project, slug, chapter)
    assert sorted(project.root.rglob("*.md")) == before
