"""全部规则合起来：入口、次序、命令行。"""

import re
import subprocess
import sys
from pathlib import Path

from handbook.catalog import load_catalog
from handbook.checks import CHECKS, run_all
from handbook.project import Project


def test_minimal_handbook_has_no_problem(project):
    assert run_all(load_catalog(project)) == []


def test_every_rule_of_the_style_guide_has_its_module():
    """docs/about/style.md 的「检查」一列所写的 checks.* 都真有，而且都在 run_all 里。"""
    text = (Project.find(Path(__file__).parent).docs / "about/style.md").read_text("utf-8")
    named = set(re.findall(r"`checks\.(\w+)`", text))
    assert named == set(CHECKS)


def test_problems_of_all_gates_are_sorted_by_file_and_line(broken):
    broken.change(broken.PAGE, "切线斜率随", "批标准化用x\n[链接](a.md)")
    broken.change(broken.SNIPPET, "形状：", "大小：")
    problems = run_all(load_catalog(broken.project))
    assert {p.rule for p in problems} == {"W01", "W03", "P14", "S02"}
    assert problems == sorted(problems, key=lambda p: (p.path, p.line, p.rule))
    assert [str(p) for p in run_all(load_catalog(broken.project), only=[])] == []


def run(project, *args):
    command = [sys.executable, "-m", "handbook.checks", *args]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


def test_command(broken):
    passed = run(broken.project)
    assert (passed.returncode, passed.stdout) == (0, "内容规则全部通过\n")
    broken.change(broken.PAGE, "切线斜率随", "批标准化的切线斜率随")
    for name in ("square", broken.PAGE, broken.SNIPPET, broken.TEST):
        failed = run(broken.project, name)
        assert failed.returncode == 1
        line = broken.line(broken.PAGE, "批标准化")
        assert failed.stdout.startswith(f"{broken.PAGE}:{line}: [W03] 术语「批标准化」")
    unknown = run(broken.project, "nothing")
    assert unknown.returncode == 1
    assert "没有 nothing 这道题" in unknown.stderr


def test_command_names_a_broken_header(broken):
    broken.change(broken.PAGE, "difficulty: 1", "difficulty: 9")
    failed = run(broken.project)
    assert failed.returncode == 1
    assert f"{broken.PAGE}:4: [P01] 难度 9 不在 1–3" in failed.stdout
