"""make test 在第一个失败处停下，并说出是哪一步。"""

import sys

from handbook.verify import run_steps


def step(code):
    return (sys.executable, "-c", f"import sys; sys.exit({code})")


def test_first_failure_stops_and_is_named(tmp_path, capfd):
    marker = tmp_path / "ran"
    after = (sys.executable, "-c", f"open({str(marker)!r}, 'w')")
    assert run_steps((("甲", step(0)), ("乙", step(3)), ("丙", after)), tmp_path) == 3
    assert "「乙」没有通过" in capfd.readouterr().err
    assert not marker.exists()


def test_all_green(tmp_path, capfd):
    assert run_steps((("甲", step(0)),), tmp_path) == 0
    assert "全部通过" in capfd.readouterr().out
