"""重复的段落（P17）。"""

from handbook.checks import repeats

PAGE = "docs/demo/square.md"
CUBE = "docs/demo/cube.md"
LONG = (
    "把训练集分成大小相等的几份，每次留出其中一份作为验证，其余用来训练，"
    "轮流做完以后把各次得到的分数取平均，这样每个样本都恰好被验证过一次，"
    "估计的方差比只留一份要小。"
)


def pages(broken, first, second):
    text = broken.path(PAGE).read_text("utf-8")
    start, end = text.index("自变量从第一"), text.index("/// figure")
    plain = text[:start] + "%\n\n" + text[end:]
    broken.path(PAGE).write_text(plain.replace("%", first), "utf-8")
    other = plain.replace("%", second).replace("title: 平方", "title: 立方")
    other = other[: other.index("## 代码验证")]
    answer = other.index("## 详细解答")
    broken.path(CUBE).write_text(other[: other.index("## 一句话回答")] + other[answer:], "utf-8")


def test_different_paragraphs_pass(broken):
    pages(broken, LONG, "立方函数的导数是自变量平方的三倍，" * 4)
    assert broken.found(repeats) == []


def test_same_paragraph_is_reported_on_the_later_page(broken):
    pages(broken, LONG, LONG)
    (problem,) = broken.found(repeats)
    line, other = (broken.line(name, "把训练集") for name in (CUBE, PAGE))
    assert problem.startswith(f"{CUBE}:{line}: [P17] 这一段与 {PAGE}:{other} 有 ")


def test_slightly_edited_copy(broken):
    edited = LONG.replace("大小相等的", "").replace("轮流做完以后", "全部轮完，")
    pages(broken, LONG, "换一种说法。" + edited)
    assert len(broken.found(repeats)) == 1


def test_short_paragraphs_are_left_alone(broken):
    pages(broken, LONG[:50], LONG[:50])
    assert broken.found(repeats) == []
