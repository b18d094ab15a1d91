"""一条参考文献的写法：`作者. *题名*. 出处, 年. [标识](链接)`，拆成各部分并逐项核对（P08）。"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FORM = re.compile(
    r"(?P<authors>[^*\[\]]+)\. \*(?P<title>[^*]+)\*\. "
    r"(?P<venue>.+), (?P<year>(?:1[89]|20)\d\d)(?P<place>, .+)?\. "
    r"\[(?P<label>[^\]]+)\]\((?P<url>\S+)\)"
)
_INITIALS = r"[A-Z](?:-?[A-Z]| [A-Z])*"
_PERSON = re.compile(
    r"(?:(?:van|von|de|der|den|di|du|la|le|el|dos|da) )*"
    rf"[A-Z][\w'’-]*(?: [A-Z][a-z][\w'’-]*)? {_INITIALS}"
)
_ARXIV = re.compile(r"(?P<yy>\d\d)(?P<mm>\d\d)\.(?P<number>\d{4,5})|[a-z-]+(?:\.[A-Z]{2})?/\d{7}")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ISBN = re.compile(r"97[89](?:-\d+){4}")
MAX_AUTHORS = 3
# 先发表后上传 arXiv 的至多隔一年；先上传后发表（期刊、综述）的至多隔五年
EARLIEST, LATEST = -1, 5


@dataclass(frozen=True)
class Citation:
    authors: str
    title: str
    year: int
    label: str
    url: str

    @property
    def identifier(self) -> str:
        """全书唯一的标识：arXiv、DOI、ISBN 的编号；官方文档用链接。"""
        return self.label if ":" in self.label else self.url


def read(text: str) -> Citation | None:
    """按规定的格式拆开；格式不合则 None。"""
    match = _FORM.fullmatch(text.strip())
    if not match:
        return None
    return Citation(
        match["authors"], match["title"], int(match["year"]), match["label"], match["url"]
    )


def faults(citation: Citation) -> Iterator[tuple[str, str]]:
    """各部分的毛病：（问题，改法）。"""
    yield from _author_faults(citation.authors)
    scheme, _, number = citation.label.partition(":")
    if scheme == "arXiv":
        yield from _arxiv_faults(number, citation)
    elif scheme == "DOI":
        if not _DOI.fullmatch(number):
            yield f"DOI {number} 的写法不对", "形如 10.1109/CVPR.2016.90"
        yield from _url_fault(citation, f"https://doi.org/{number}")
    elif scheme == "ISBN":
        digits = number.replace("-", "")
        if not _ISBN.fullmatch(number) or len(digits) != 13 or not _isbn_sum_is_right(digits):
            yield f"ISBN {number} 不对（十三位，分五段，末位是校验码）", "照版权页改正"
        yield from _url_fault(citation, f"https://isbnsearch.org/isbn/{digits}")
    elif not citation.url.startswith("https://"):
        yield f"官方文档的链接 {citation.url} 不是 https://", "换成 https:// 的官方地址"
    elif ":" in citation.label:
        yield f"不认识的标识 {citation.label}", "用 arXiv:、DOI:、ISBN: 或官方文档的链接"


def _author_faults(authors: str) -> Iterator[tuple[str, str]]:
    people = authors.split(", ")
    if people[-1] == "et al":
        people.pop()
        if len(people) != MAX_AUTHORS:
            yield f"et al 之前有 {len(people)} 位作者", f"列出前 {MAX_AUTHORS} 位，再写 et al"
    elif len(people) > MAX_AUTHORS:
        yield f"列了 {len(people)} 位作者", f"列前 {MAX_AUTHORS} 位，再写 et al"
    for person in people:  # 只有一位时也可能是机构：PyTorch、scikit-learn developers
        if "." in person or (len(people) > 1 and not _PERSON.fullmatch(person)):
            yield (
                f"作者「{person}」的写法不对",
                "写「姓 名首字母」，首字母之间不加点：Szegedy C",
            )


def _arxiv_faults(number: str, citation: Citation) -> Iterator[tuple[str, str]]:
    match = _ARXIV.fullmatch(number)
    if not match:
        yield f"arXiv 号 {number} 的写法不对", "形如 1502.03167，2007 年 3 月以前形如 cs/0112017"
    elif match["yy"]:
        year, month = 2000 + int(match["yy"]), int(match["mm"])
        digits = 5 if (year, month) >= (2015, 1) else 4
        if not 1 <= month <= 12 or (year, month) < (2007, 4) or len(match["number"]) != digits:
            yield f"arXiv 没有 {number} 这样的号", "查原文的编号：前四位是年月，2015 年起序号五位"
        elif not year + EARLIEST <= citation.year <= year + LATEST:
            message = f"arXiv:{number} 是 {year} 年的，这里写 {citation.year} 年"
            yield message, "核对编号与年份"
    yield from _url_fault(citation, f"https://arxiv.org/abs/{number}")


def _url_fault(citation: Citation, want: str) -> Iterator[tuple[str, str]]:
    if citation.url != want:
        yield f"标识 {citation.label} 的链接是 {citation.url}", f"改为 {want}"


def _isbn_sum_is_right(digits: str) -> bool:
    """ISBN-13：奇数位权 1、偶数位权 3，和是 10 的倍数。"""
    return sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0
