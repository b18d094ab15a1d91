"""参考文献（P08、P09）：写法、编号、年份、校验码、互相矛盾。"""

import pytest
from handbook.checks import references
from handbook.checks.citation import faults, read

PAGE = "docs/demo/square.md"
GOOD = [
    "Ioffe S, Szegedy C. *Batch Normalization: Accelerating Deep Network Training*. ICML, 2015. "
    "[arXiv:1502.03167](https://arxiv.org/abs/1502.03167)",
    "He K, Zhang X, Ren S, et al. *Deep Residual Learning*. CVPR, 2016. "
    "[DOI:10.1109/CVPR.2016.90](https://doi.org/10.1109/CVPR.2016.90)",
    "Bishop C M. *Pattern Recognition and Machine Learning*. Springer, 2006, §1.5. "
    "[ISBN:978-0-387-31073-2](https://isbnsearch.org/isbn/9780387310732)",
    "PyTorch. *torch.nn.BatchNorm2d*. 官方文档, 2026. "
    "[文档](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html)",
    "van der Maaten L, Hinton G. *Visualizing Data using t-SNE*. JMLR, 2008. "
    "[文档](https://www.jmlr.org/papers/v9/vandermaaten08a.html)",
    "Lin T-Y, O'Shea K, LeCun Y. *Why?*. arXiv, 2003. "
    "[arXiv:cs/0112017](https://arxiv.org/abs/cs/0112017)",
    "Wu Y, He K. *Group Normalization*. IJCV, 2020. "
    "[arXiv:1803.08494](https://arxiv.org/abs/1803.08494)",
]


@pytest.mark.parametrize("text", GOOD)
def test_right_citations_pass(text):
    citation = read(text)
    assert citation is not None
    assert list(faults(citation)) == []


@pytest.mark.parametrize(
    "text",
    [
        GOOD[0].replace("*", ""),
        GOOD[0].replace(". ICML", " ICML"),
        GOOD[0].replace(", 2015.", "."),
        GOOD[0].replace("2015", "15"),
        GOOD[0].split(" [")[0],
        GOOD[0] + "。",
        GOOD[0].replace("(https://arxiv.org/abs/1502.03167)", ""),
    ],
)
def test_wrong_form(text):
    assert read(text) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Ioffe S", "Ioffe S.", "作者「Ioffe S.」的写法不对"),
        ("Ioffe S", "Sergey Ioffe", "作者「Sergey Ioffe」的写法不对"),
        ("Ioffe S,", "Ioffe S, A B, C D,", "列了 4 位作者"),
        ("Szegedy C.", "Szegedy C, et al.", "et al 之前有 2 位作者"),
        ("1502", "1513", "arXiv 没有 1513.03167 这样的号"),
        ("1502.03167", "1502.3167", "arXiv 没有 1502.3167 这样的号"),
        ("1502", "0702", "arXiv 没有 0702.03167 这样的号"),
        ("1502.03167", "150203167", "arXiv 号 150203167 的写法不对"),
        ("2015", "2013", "arXiv:1502.03167 是 2015 年的，这里写 2013 年"),
        ("2015", "2021", "arXiv:1502.03167 是 2015 年的，这里写 2021 年"),
        ("abs/1502.03167", "abs/1502.03168", "的链接是 https://arxiv.org/abs/1502.03168"),
        ("arXiv:1502", "PMID:1502", "不认识的标识 PMID:1502.03167"),
    ],
)
def test_wrong_parts(old, new, message):
    text = GOOD[0].replace(old, new)
    if "链接" not in message:
        number = text.partition("[arXiv:")[2].partition("]")[0]
        text = text.partition("](")[0] + f"](https://arxiv.org/abs/{number or 1})"
    citation = read(text)
    assert citation is not None
    assert [m for m, _ in faults(citation) if message in m]


def test_wrong_doi_and_isbn():
    doi = read(GOOD[1].replace("10.1109", "11.1109"))
    isbn = read(GOOD[2].replace("31073-2", "31073-3").replace("310732", "310733"))
    http = read(GOOD[3].replace("https", "http"))
    assert doi and isbn and http
    assert [m for m, _ in faults(doi)] == ["DOI 11.1109/CVPR.2016.90 的写法不对"]
    assert [m for m, _ in faults(isbn) if "ISBN 978-0-387-31073-3 不对" in m]
    assert [m for m, _ in faults(http) if "不是 https" in m]


def test_minimal_page_passes(broken):
    assert broken.found(references) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        (" [^spivak] 展开", " 展开", "[^spivak]:", "正文没有引用 [^spivak]"),
        ("[^spivak] 展开", "[^spivak] [^other] 展开", "[^other]", "没有定义脚注 [^other]"),
        ("*Calculus*", "Calculus", "[^spivak]:", "参考文献 spivak 的写法不合"),
        ("## 参考文献\n", "## 参考文献\n\n另见。\n", "另见。", "脚注以外的内容"),
        (
            "[^spivak]: ",
            "[^spivak]: A B. *C*. D, 2008. [文档](https://a.org)\n\n[^spivak]: ",
            "[^spivak]: Spivak",
            "脚注 spivak 在第",
        ),
    ],
)
def test_rule_turns_red_at_its_line(broken, old, new, where, message):
    broken.change(PAGE, old, new)
    place = f"{PAGE}:{broken.line(PAGE, where)}: [P08]"
    found = broken.found(references)
    assert [p for p in found if p.startswith(place) and message in p], found


def second_page(broken):
    """清单里的另一题，引用同一本书。"""
    text = broken.path(PAGE).read_text("utf-8").replace("title: 平方", "title: 立方")
    broken.path("docs/demo/cube.md").write_text(text, "utf-8")


def test_same_work_written_the_same_passes(broken):
    second_page(broken)
    assert broken.found(references) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Spivak M", "Spivack M", "的作者与 docs/demo/square.md"),
        ("*Calculus*", "*Calculus II*", "的题名与 docs/demo/square.md"),
        ("Perish, 2008", "Perish, 2006", "的年份与 docs/demo/square.md"),
    ],
)
def test_same_identifier_with_other_data(broken, old, new, message):
    second_page(broken)
    broken.change("docs/demo/cube.md", old, new)
    line = broken.line("docs/demo/cube.md", "[^spivak]:")
    (problem,) = broken.found(references)
    assert problem.startswith(f"docs/demo/cube.md:{line}: [P09] ISBN:978-0-914098-91-1 ")
    assert message in problem
