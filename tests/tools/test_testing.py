"""load_snippet 按路径镜像找片段，找不到就说清楚。"""

import pytest
from handbook.testing import load_snippet, snippet_path


def test_mirrored_path(project):
    test = project.snippet_test("demo", "square")
    assert snippet_path(test) == project.snippets / "demo" / "square.py"
    assert load_snippet(test).derivative(3) == 6


def test_missing_snippet_is_named(project):
    with pytest.raises(FileNotFoundError, match=r"没有对应的片段 .*snippets/demo/nothing\.py"):
        load_snippet(project.snippet_test("demo", "nothing"))


def test_wrong_place_is_refused(tmp_path):
    with pytest.raises(ValueError, match="测试须放在"):
        snippet_path(tmp_path / "test_x.py")
