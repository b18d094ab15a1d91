"""片段的运行、缓存、报错与录制；用真正的执行器，与直接运行脚本的结果比较。"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from handbook import snippet_cache
from handbook.catalog import load_catalog
from handbook.errors import HandbookError
from handbook.project import Project
from handbook.recorded import main as record
from handbook.recorded import run_recorded
from handbook.runner import run_one, run_snippets
from handbook.sandbox import Limits
from handbook.svg import size

HEADER = "---\ntitle: {title}\ntitle_en: x\ndifficulty: 1\ntags: [手推公式]\nkind: code\n---\n"
BODY = "\n## 代码验证\n\n/// snippet\n///\n"
DIRECTIVE_LINE = 11  # 上面两段拼起来，/// snippet 所在的行
PLOT = """
def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(4, 3))
    fig.add_subplot(title={title!r}).plot([0, 1, 4])
    return fig


print(1)
"""

Add = Callable[..., Path]


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matplotlib")


@pytest.fixture(autouse=True)
def one_font_list(project: Project, fonts: Path) -> None:
    """各测试共用一份 Matplotlib 的字体清单：生成一次要一秒多。"""
    project.cache.mkdir(parents=True)
    (project.cache / "matplotlib").symlink_to(fonts)


@pytest.fixture
def add(project: Project) -> Add:
    """在示例章里加一题：页面与片段（`code` 为 None 则没有片段）。"""

    def write(slug: str, code: str | None, suffix: str = ".py") -> Path:
        page = HEADER.format(title=f"题目 {slug}") + BODY
        project.page("demo", slug).write_text(page, "utf-8")
        path = (project.snippets / "demo" / slug.replace("-", "_")).with_suffix(suffix)
        if code is not None:
            path.write_text(code, "utf-8")
        return path

    return write


def problems(project: Project, **options: object) -> list[str]:
    with pytest.raises(HandbookError) as caught:
        run_snippets(load_catalog(project), **options)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def refused(project: Project, add: Add, codes: dict[str, str]) -> dict[str, str]:
    """同一个执行器里跑这些坏片段；slug → 报的错。"""
    for slug, code in codes.items():
        add(slug, code)
    found = problems(project, only=codes, jobs=1)
    assert len(found) == len(codes)
    return dict(zip(sorted(codes), found, strict=True))


class TestResults:
    def test_output_equals_running_the_script(self, project: Project) -> None:
        path = project.snippets / "demo" / "square.py"
        direct = subprocess.run([sys.executable, str(path)], capture_output=True, check=True)
        ran = run_snippets(load_catalog(project))
        assert ran["square"].output.encode() == direct.stdout
        assert list(ran["square"].figures) == [""]

    def test_main_block_helpers_and_dataclasses(self, project: Project, add: Add) -> None:
        """片段确实是 `__main__`：数据类、pickle、同目录的 `_*.py` 都照常。"""
        (project.snippets / "demo" / "_shared.py").write_text("ANSWER = 42\n", "utf-8")
        path = add(
            "plain",
            "import pickle, sys\n"
            "from dataclasses import dataclass\n"
            "from _shared import ANSWER\n"
            "@dataclass\nclass Point:\n    x: int\n"
            "if __name__ == '__main__':\n"
            "    print(pickle.loads(pickle.dumps(Point(ANSWER))), len(sys.argv))\n",
        )
        assert run_one(path, project).output == "Point(x=42) 1\n"

    def test_every_figure_function(self, project: Project, add: Add) -> None:
        code = (
            PLOT.format(title="a")
            + "\n\n"
            + PLOT.format(title="b").replace("figure()", "figure_two()")
        )
        code += "\nfrom matplotlib.pyplot import figure as figure_imported\n"
        figures = run_one(add("two", code), project).figures
        assert list(figures) == ["", "two"]
        assert figures[""] != figures["two"]

    def test_utf8(self, project: Project, add: Add) -> None:
        assert run_one(add("text", "print('∂L/∂x̂ 中文')"), project).output == "∂L/∂x̂ 中文\n"

    def test_after_v8_and_threads(self, project: Project) -> None:
        """构建进程里已有 V8 与线程时也照样跑。"""
        from py_mini_racer import MiniRacer

        with MiniRacer() as engine:
            assert engine.eval("6 * 7") == 42
            assert run_one(project.snippets / "demo" / "square.py", project).output

    def test_progress(self, project: Project, add: Add) -> None:
        add("other", "print(1)")
        lines: list[str] = []
        run_snippets(load_catalog(project), progress=lines.append)
        assert lines[0] == "片段：共 2 个，要运行 2 个，其余已有结果"
        assert [line.split("：")[0] for line in lines[-2:]] == ["片段 1/2", "片段 2/2"]
        assert {line.split("：")[1] for line in lines[-2:]} == {"demo/square", "demo/other"}

    def test_only_some(self, project: Project, add: Add) -> None:
        add("broken", "1 / 0")
        assert list(run_snippets(load_catalog(project), only=["square"])) == ["square"]


class TestDeterminism:
    CODE = (
        "import random, numpy as np\n"
        "print({'甲', '乙', '丙', '丁'}, random.random(), np.random.rand())\n"
        + PLOT.format(title="$x^2$")
    )

    def test_same_bytes_in_two_workers(
        self, project: Project, add: Add, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """换一个执行器、换各人的环境变量与 matplotlibrc，逐字节相同。"""
        path = add("noise", self.CODE)
        first = run_one(path, project)
        monkeypatch.setenv("PYTHONHASHSEED", "7")
        monkeypatch.setenv("LANG", "de_DE.ISO-8859-1")
        (project.root / "matplotlibrc").write_text("lines.linewidth: 9\nfont.size: 20\n")
        monkeypatch.setenv("MATPLOTLIBRC", str(project.root / "matplotlibrc"))
        monkeypatch.chdir(project.root)
        assert run_one(path, project) == first

    def test_one_snippet_does_not_leak_into_the_next(self, project: Project, add: Add) -> None:
        """同一个执行器里，前一个片段改的全局状态后一个看不见。"""
        start = "import builtins, matplotlib as m, numpy as np\n"
        spoil = "builtins.x = 1\nm.rcParams['lines.linewidth'] = 9\nnp.random.seed(5)\nprint(1)"
        clean = "print(hasattr(builtins, 'x'), m.rcParams['lines.linewidth'], np.random.rand())"
        alone = run_one(add("z-clean", start + clean), project).output
        add("a-spoil", start + spoil)
        assert run_snippets(load_catalog(project), jobs=1)["z-clean"].output == alone
        assert alone.startswith("False 1.8 ")


class TestFigures:
    def test_svg(self, project: Project, add: Add) -> None:
        svg = run_one(add("plot", PLOT.format(title="loss $L$")), project).figures[""]
        root = ET.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert size(svg) == (384, 288)  # 4 × 3 英寸，每英寸 96 像素
        assert not list(root.iter("{http://www.w3.org/2000/svg}text"))  # 文字已成轮廓
        assert "<!--" not in svg and "metadata" not in svg and "<?xml" not in svg
        assert not re.search(r"fill: ?#ffffff", svg)  # 底透明
        assert not re.search(r'd="[^"]*\d\.\d{3}', svg)

    def test_rounding_moves_nothing_visibly(self) -> None:
        from handbook.svg import minimise

        path = '<path d="M 1.23456 -0.00012 L 10 2.5e-07" transform="scale(0.015625)"/>'
        raw = f'<svg width="72pt" height="72pt">{path}</svg>'
        assert '"M 1.23 0 L 10 2.5e-07"' in minimise(raw)
        assert "scale(0.015625)" in minimise(raw)
        assert size(minimise(raw)) == (96, 96)

    def test_one_look_for_all(self, project: Project, add: Add) -> None:
        """线宽等由全书统一；作者自己排过版的不再自动排版。"""
        code = PLOT.format(title="a")
        auto = run_one(add("auto", code), project).figures[""]
        assert "stroke-width: 1.8" in auto
        by_hand = code.replace(
            "    return fig", "    fig.subplots_adjust(left=0.4)\n    return fig"
        )
        hand = run_one(add("hand", by_hand), project).figures[""]
        tight = run_one(
            add("tight", code.replace("    return fig", "    fig.tight_layout()\n    return fig")),
            project,
        ).figures[""]

        def left(svg: str) -> float:
            axes = re.search(r'id="patch_2">\s*<path d="M ([\d.]+)', svg)
            assert axes is not None
            return float(axes[1])

        assert left(hand) == pytest.approx(0.4 * 288)
        assert left(auto) != left(tight)

    def test_bad_figures(self, project: Project, add: Add) -> None:
        bodies = {"a": "return [1]", "b": "pass", "c": "return 1 / 0"}
        codes = {s: f"print(1)\ndef figure():\n    {body}\n" for s, body in bodies.items()}
        text = refused(project, add, codes | {"d": PLOT.format(title="损失")})
        assert "figure() 应返回 matplotlib 的 Figure，返回的是 list" in text["a"]
        assert "返回的是 NoneType" in text["b"]
        assert "snippets/demo/c.py:3：figure() 出错：ZeroDivisionError" in text["c"]
        assert "figure() 出错：UserWarning：Glyph" in text["d"]
        assert "missing from font" in text["d"]


class TestFailures:
    def test_all_bad_ones_are_listed_together(self, project: Project, add: Add) -> None:
        bad = {
            "syntax": "x = (\n",
            "raises": "def f():\n    return 1 / 0\n\n\nf()\n",
            "silent": "x = 1\n",
            "missing": None,
            "slow": "while True:\n    pass\n",
            "network": "import socket\nsocket.socket()\n",
            "memory": "import numpy as np\n\nx = np.zeros(1 << 40)\n",
            "crash": "import ctypes\nctypes.string_at(0)\n",
            "orphan": "import os\nos.fork()\n",
        }
        for slug, code in bad.items():
            add(slug, code)
        found = problems(project, limits=Limits(seconds=3))
        place = f"docs/demo/{{}}.md:{DIRECTIVE_LINE}: [S0"
        assert [line.split("[")[0] for line in found] == [
            f"docs/demo/{slug}.md:{DIRECTIVE_LINE}: " for slug in sorted(bad)
        ]
        text = dict(zip(sorted(bad), found, strict=True))
        assert place.format("raises") in text["raises"]
        assert "片段 snippets/demo/raises.py:2：ZeroDivisionError" in text["raises"]
        assert 'File "snippets/demo/raises.py", line 5, in <module>' in text["raises"]
        assert "    return 1 / 0" in text["raises"]
        assert "worker.py" not in text["raises"] and "child.py" not in text["raises"]
        assert "snippets/demo/syntax.py:1：SyntaxError" in text["syntax"]
        assert "什么也没有打印" in text["silent"]
        assert "没有片段 snippets/demo/missing.py" in text["missing"]
        assert "超过 3 秒" in text["slow"]
        assert "不许联网" in text["network"] and "network.py:2" in text["network"]
        assert "内存超过 2048 MiB" in text["memory"] and "memory.py:3" in text["memory"]
        assert "进程崩溃（SIGSEGV）" in text["crash"]
        assert "orphan.py:2：PermissionError" in text["orphan"]

    def test_noise_is_an_error(self, project: Project, add: Add) -> None:
        codes = {
            "a": "import numpy as np\nprint(np.log(np.zeros(1)))",
            "b": "import warnings\nwarnings.warn('小心')\nprint(1)",
            "c": "import sys\nprint('x', file=sys.stderr)",
            "d": "import logging\nlogging.warning('x')",
            "e": "import os\nos.write(1, b'\\xff')",
            "f": "import torch",
            "g": "import square\nprint(1)",
            "h": "import os\nprint(1)\nos.write(3, b'{]\\n')",
        }
        text = refused(project, add, codes)
        assert "snippets/demo/a.py:2：RuntimeWarning：divide by zero" in text["a"]
        assert "snippets/demo/b.py:2：UserWarning：小心" in text["b"]
        assert "往标准错误写了内容" in text["c"] and "往标准错误写了内容" in text["d"]
        assert "不是合法的 UTF-8" in text["e"]
        assert "f.py:1：ModuleNotFoundError" in text["f"]  # 构建网站不靠 PyTorch
        assert "不能导入别的片段 square.py" in text["g"]  # 缓存的键里没有它
        assert "没有跑完就退出了" in text["h"]  # 写乱了交结果的管道

    def test_interrupted(self, project: Project, add: Add) -> None:
        """按 Ctrl-C：不等没跑完的，执行器与片段都不留下。"""
        add("endless", "import threading\nthreading.Event().wait()")
        before = set(psutil.Process().children(recursive=True))

        def interrupt(line: str) -> None:
            if "1/2" in line:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_snippets(load_catalog(project), limits=Limits(seconds=3600), progress=interrupt)
        left = set(psutil.Process().children(recursive=True)) - before
        assert psutil.wait_procs(left, timeout=30)[1] == []

    def test_two_pages_with_one_figure_file(self, project: Project, add: Add) -> None:
        add("square-root", PLOT.format(title="a"))
        path = project.snippets / "demo" / "square.py"
        path.write_text(path.read_text("utf-8").replace("figure()", "figure_root()"), "utf-8")
        [text] = problems(project)
        assert "demo/square-root.svg 与 square 的图相同" in text

    def test_a_page_without_the_directive(self, project: Project, add: Add) -> None:
        add("bad", "1 / 0")
        project.page("demo", "bad").write_text(HEADER.format(title="无") + "\n正文\n", "utf-8")
        [text] = problems(project)
        assert text.startswith("docs/demo/bad.md: [S05]")


class TestCache:
    def count(self, project: Project) -> int:
        """要运行几个。"""
        lines: list[str] = []
        run_snippets(load_catalog(project), progress=lines.append)
        found = re.search(r"要运行 (\d+) 个", lines[0])
        assert found is not None and len(lines) == 1 + int(found[1])
        return int(found[1])

    def test_only_what_changed_runs(self, project: Project, add: Add) -> None:
        path = add("other", "print(1)")
        assert self.count(project) == 2
        assert self.count(project) == 0
        path.write_text("print(2)", "utf-8")
        assert self.count(project) == 1
        assert run_snippets(load_catalog(project))["other"].output == "2\n"
        (project.snippets / "demo" / "_helper.py").write_text("x = 1\n", "utf-8")
        assert self.count(project) == 2
        (project.snippets / "demo" / "_helper.py").write_text("x = 2\n", "utf-8")
        assert self.count(project) == 2
        assert self.count(project) == 0

    def test_cached_equals_fresh(self, project: Project) -> None:
        fresh = run_snippets(load_catalog(project))
        assert run_snippets(load_catalog(project)) == fresh

    def test_failures_are_not_cached(self, project: Project, add: Add) -> None:
        add("bad", "1 / 0")
        problems(project)
        assert len(problems(project)) == 1

    def test_a_changed_runner_discards_everything(self, project: Project, tmp_path: Path) -> None:
        """键里有执行器的源码与库的版本：另一份改过一行的工具算出另一个键。"""
        path = project.snippets / "demo" / "square.py"
        code = (
            "import sys; from pathlib import Path; from handbook.project import Project\n"
            "from handbook.snippet_cache import key_of\n"
            "print(key_of(Path(sys.argv[1]), Project(Path(sys.argv[2]))))"
        )
        tools = tmp_path / "tools"
        shutil.copytree(Path(snippet_cache.__file__).parent, tools / "handbook")

        def key() -> str:
            environment = {**os.environ, "PYTHONPATH": str(tools)}
            command = [sys.executable, "-c", code, str(path), str(project.root)]
            done = subprocess.run(
                command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
            )
            return done.stdout.strip()

        assert key() == snippet_cache.key_of(path, project)
        figures = tools / "handbook" / "figures.py"
        figures.write_text(figures.read_text("utf-8").replace("1.8", "1.9"), "utf-8")
        assert key() != snippet_cache.key_of(path, project)

    def test_half_written_results_are_never_seen(self, project: Project) -> None:
        run_snippets(load_catalog(project))
        files = list((project.cache / "snippets").iterdir())
        assert [f.suffix for f in files] == [".json"]
        assert json.loads(files[0].read_text("utf-8"))["output"].startswith("f'(3) = 6\n")


C_CODE = """\
#include <stdio.h>
#include <math.h>

int main(void) {
    printf("%.3f\\n", sqrt(2.0));
    return 0;
}
"""
CPP_CODE = """\
#include <iostream>
#include <numeric>
#include <vector>

int main() {
    std::vector<int> v(5, 2);
    std::cout << std::reduce(v.begin(), v.end()) << "\\n";
}
"""


class TestRecorded:
    def test_the_build_shows_the_recording_without_running(
        self, project: Project, add: Add
    ) -> None:
        add("rec", "raise RuntimeError('不该运行')\n").with_suffix(".out").write_text("录好的\n")
        add("ccc", C_CODE, ".c").with_suffix(".out").write_text("1.414\n")
        ran = run_snippets(load_catalog(project))
        assert (ran["rec"].output, ran["rec"].figures) == ("录好的\n", {})
        assert ran["ccc"].output == "1.414\n"

    def test_missing_recording(self, project: Project, add: Add) -> None:
        add("ccc", C_CODE, ".c")
        [text] = problems(project)
        assert text.startswith(f"docs/demo/ccc.md:{DIRECTIVE_LINE}: [S05]")
        assert "没有录好的输出 snippets/demo/ccc.out" in text
        assert "python -m handbook.recorded snippets/demo/ccc.c" in text

    def test_syntax_error(self, project: Project, add: Add) -> None:
        add("rec", "x = 1\ny = (\n").with_suffix(".out").write_text("1\n")
        [text] = problems(project)
        assert "片段 snippets/demo/rec.py:2：SyntaxError" in text

    def test_figures_are_not_supported(self, project: Project, add: Add) -> None:
        add("rec", PLOT.format(title="a")).with_suffix(".out").write_text("1\n")
        [text] = problems(project)
        assert "录好输出的片段不能有作图函数 figure()" in text and "rec.py:2" in text

    @pytest.mark.parametrize(
        ("suffix", "code", "expected"), [(".c", C_CODE, "1.414\n"), (".cpp", CPP_CODE, "10\n")]
    )
    def test_compiled(
        self, project: Project, add: Add, monkeypatch: pytest.MonkeyPatch,
        suffix: str, code: str, expected: str,
    ) -> None:  # fmt: skip
        path = add("native", code, suffix)
        monkeypatch.chdir(project.root)
        assert record([str(path.relative_to(project.root))]) == 0
        assert path.with_suffix(".out").read_text() == expected
        run_recorded(path, project)
        path.with_suffix(".out").write_text("9\n")
        with pytest.raises(HandbookError, match=rf"-9\n\+{re.escape(expected)}"):
            run_recorded(path, project)

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("int main(void) { int x; return 0; }", "unused variable"),
            ("int main(void) { return 0 }", "error"),
            ("int main(void) { return 3; }", "退出码是 3"),
            ("#include <stdlib.h>\nint main(void) { abort(); }", "SIGABRT"),
            (
                "#include <sys/socket.h>\n#include <stdio.h>\n"
                'int main(void) { printf("%d\\n", socket(2, 1, 0)); return 0; }',
                "+-1",
            ),
            (
                "#include <unistd.h>\n#include <stdio.h>\n"
                'int main(void) { printf("%d\\n", fork()); return 0; }',
                "+-1",
            ),
        ],
    )
    def test_bad_programs(self, project: Project, add: Add, code: str, message: str) -> None:
        path = add("native", code, ".c")
        path.with_suffix(".out").write_text("0\n")
        with pytest.raises(HandbookError) as caught:
            run_recorded(path, project)
        assert message in str(caught.value) and "snippets/demo/native.c" in str(caught.value)

    def test_no_compiler(self, project: Project, add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
        path = add("native", C_CODE, ".c")
        path.with_suffix(".out").write_text("1.414\n")
        monkeypatch.setenv("PATH", "")
        with pytest.raises(HandbookError, match="没有编译器 cc"):
            run_recorded(path, project)

    def test_torch(self, project: Project, add: Add) -> None:
        code = (
            "import torch\n"
            "x = torch.tensor([1.0, 2.0], requires_grad=True)\n"
            "(x**2).sum().backward()\n"
            "print(x.grad.tolist())\n"
        )
        path = add("autograd", code)
        path.with_suffix(".out").write_text("[2.0, 4.0]\n")
        run_recorded(path, project)
