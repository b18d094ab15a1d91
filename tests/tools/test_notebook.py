"""笔记本：真的从头跑到尾，打印的与直接运行片段逐字节相同，图也画得出来。"""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from handbook.notebook import from_source, notebook
from handbook.project import Project
from nbclient import NotebookClient

SOURCE = '''\
"""开方。

出处：某书。
单位：无。
"""

import math
from dataclasses import dataclass

EPS = 1e-9  # 常数


# 这条注释说的是下面的类
@dataclass
class Root:
    value: float


def root(x):
    """x -> √x"""
    return Root(math.sqrt(x))


def figure():
    from matplotlib.figure import Figure

    fig = Figure(figsize=(2, 2))
    fig.add_subplot().plot([0, 1])
    return fig


def figure_more():
    return figure()


if __name__ == "__main__":
    # 演示里的注释
    for x in (4, 9):
        print(root(x))

    text = """首行
    缩进四格的一行
没有缩进的一行"""
    print(text)
    print(
        "括号里"
        "接着写"
    )
    word = f"""{EPS}
    也在串里"""
    print(word)
'''


def run(text: str) -> nbformat.NotebookNode:
    node = nbformat.reads(text, as_version=4)
    NotebookClient(node, kernel_name="python3", timeout=120).execute()
    return node


def printed(node: nbformat.NotebookNode) -> str:
    outputs = [o for c in node.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    return "".join(o.text for o in outputs if o.output_type == "stream")


def test_runs_from_top_to_bottom(tmp_path: Path) -> None:
    path = tmp_path / "root.py"
    path.write_text(SOURCE, "utf-8")
    direct = subprocess.run([sys.executable, "-X", "utf8", str(path)], capture_output=True)
    node = run(notebook(path))
    assert printed(node).encode() == direct.stdout
    images = [o for c in node.cells[-2:] for o in c.outputs if "image/png" in o.get("data", {})]
    assert len(images) == 2


def test_cells() -> None:
    cells = nbformat.reads(from_source(SOURCE), as_version=4).cells
    assert [c.cell_type for c in cells] == ["markdown"] + ["code"] * 8
    sources = [c.source for c in cells]
    assert sources[0] == "# 开方\n\n出处：某书。  \n单位：无。  "
    assert sources[1] == "import math\nfrom dataclasses import dataclass\n\nEPS = 1e-9  # 常数"
    assert sources[2].startswith("# 这条注释说的是下面的类\n@dataclass\nclass Root:")
    assert sources[3].startswith("def root(x):") and sources[4].startswith("def figure():")
    assert sources[6].startswith("# 演示里的注释\nfor x in (4, 9):\n    print(root(x))\n")
    assert '"""首行\n    缩进四格的一行\n没有缩进的一行"""' in sources[6]
    assert '\n    "括号里"\n    "接着写"\n' in sources[6]
    assert sources[7:] == ["%matplotlib inline\nfigure()", "figure_more()"]


def test_nothing_is_lost() -> None:
    """除了文档串、`if` 那一行、演示的缩进，源码一行不少，次序不变。"""
    cells = nbformat.reads(from_source(SOURCE), as_version=4).cells[1:-2]
    kept = [line.strip() for c in cells for line in c.source.splitlines() if line.strip()]
    body = SOURCE.split('"""\n\n', 1)[1]
    wanted = [line.strip() for line in body.splitlines() if line.strip()]
    wanted.remove('if __name__ == "__main__":')
    assert kept == wanted


def test_same_bytes_every_time() -> None:
    assert from_source(SOURCE) == from_source(SOURCE)


@pytest.mark.parametrize(
    ("source", "count"),
    [("print(1)\n", 1), ('"""文档。"""\n', 1), ("", 0), ("def f():\n    pass\n\n\n# 尾注\n", 2)],
)
def test_small_sources(source: str, count: int) -> None:
    node = nbformat.reads(from_source(source), as_version=4)
    nbformat.validate(node)
    assert len(node.cells) == count


def test_every_snippet_of_the_handbook_converts() -> None:
    """真实的片段：都能转换，代码格逐个能编译。"""
    project = Project.find(Path(__file__).parent)
    paths = sorted(project.snippets.glob("*/*.py"))
    assert paths
    for path in paths:
        for cell in nbformat.reads(notebook(path), as_version=4).cells:
            if cell.cell_type == "code":
                source = cell.source.removeprefix("%matplotlib inline\n")
                compile(source, str(path), "exec")
