"""模板所见的数据：不含 HTML 的结构，样子在 tools/theme/。网址都相对站点的根。"""

from dataclasses import dataclass

from handbook.inventory import Question


@dataclass(frozen=True)
class Link:
    """指向一页；`html` 里的公式已排好，`text` 是纯文本，`number` 是章号或题号。"""

    url: str
    html: str
    text: str
    number: str = ""


@dataclass(frozen=True)
class Item:
    """题目表的一行。"""

    link: Link
    kind: str
    level: int
    difficulty: str
    asked: int
    answer: str


@dataclass(frozen=True)
class ChapterView:
    """一章：侧栏、首页的章表与章的页面都由它画出。"""

    link: Link
    items: tuple[Item, ...]
    missing: tuple[Question, ...]

    @property
    def total(self) -> int:
        return len(self.items) + len(self.missing)


@dataclass(frozen=True)
class CodeView:
    """片段与测试：仓库里的路径，与什么比较过。"""

    snippet: str
    test: str
    compared: tuple[str, ...]


@dataclass(frozen=True)
class QuestionView:
    """题目页的四周。"""

    item: Item
    chapter: ChapterView
    title_en: str
    tags: tuple[str, ...]
    code: CodeView | None
    verified: str
    related: tuple[Link, ...]
    previous: Link | None
    next: Link | None


@dataclass(frozen=True)
class Change:
    """更新记录的一行。"""

    date: str
    link: Link


@dataclass(frozen=True)
class Book:
    """全书：各章按阅读次序，`hot` 按热度，`changes` 由新到旧。"""

    chapters: tuple[ChapterView, ...]
    hot: tuple[Item, ...]
    about: tuple[Link, ...]
    changes: tuple[Change, ...]

    @property
    def written(self) -> int:
        return sum(len(chapter.items) for chapter in self.chapters)

    @property
    def total(self) -> int:
        return sum(chapter.total for chapter in self.chapters)
