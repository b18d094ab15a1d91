"""命令行：进度、缓存、输出的文件；离线网站的压缩包。"""

import os
import zipfile
from pathlib import Path

import pytest
from handbook.export import __main__ as cli
from handbook.export.archive import write_archive
from handbook.export.stamp import fresh
from handbook.project import Project


def test_only_and_cache(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """没有变化的不再导出；改了页面、删了产品、改坏产品都重新导出。"""
    monkeypatch.chdir(project.root)
    product = project.build / "export" / "handbook.apkg"

    def exported() -> str:
        assert cli.main(["--only", "anki"]) == 0
        return capsys.readouterr().out

    assert "没有变化" not in exported()
    assert [path.name for path in product.parent.iterdir()] == ["handbook.apkg"]
    assert "handbook.apkg" in (shown := exported()) and "没有变化" in shown
    product.write_bytes(b"half")
    assert "没有变化" not in exported()
    assert zipfile.is_zipfile(product)
    product.unlink()
    assert "没有变化" not in exported()
    page = project.page("demo", "square")
    page.write_text(page.read_text("utf-8").replace("抛物线", "那条抛物线"), "utf-8")
    assert "没有变化" not in exported()
    assert "没有变化" in exported()


def test_unknown_product(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--only", "book,docx"])
    assert "没有 docx" in capsys.readouterr().err


def test_bad_page_is_reported(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.root)
    page = project.page("demo", "square")
    page.write_text(page.read_text("utf-8").replace("f'(x) = 2x", r"\nosuch"), "utf-8")
    assert cli.main(["--only", "anki"]) == 1
    assert "docs/demo/square.md:" in capsys.readouterr().err
    assert list((project.build / "export").iterdir()) == []


def test_archive(project: Project) -> None:
    """每个文件原样在内；同样的网站得到逐字节相同的文件。"""
    site = project.site
    (site / "a").mkdir(parents=True)
    (site / "index.html").write_text("首页", "utf-8")
    (site / "a" / "b.html").write_text("一页", "utf-8")
    first, second = project.root / "1.zip", project.root / "2.zip"
    write_archive(site, first)
    os.utime(site / "index.html", (0, 0))
    write_archive(site, second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["handbook/index.html", "handbook/a/b.html"]
        assert archive.read("handbook/index.html").decode() == "首页"


def test_interrupted_write_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("旧", "utf-8")
    with pytest.raises(KeyboardInterrupt), fresh(target) as temporary:
        temporary.write_text("半", "utf-8")
        raise KeyboardInterrupt
    assert target.read_text("utf-8") == "旧"
    assert list(tmp_path.iterdir()) == [target]
