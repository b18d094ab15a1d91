"""测试与片段之间的桥：由测试文件的路径找到它所检验的片段。"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def snippet_path(test_file: str | Path) -> Path:
    """`…/tests/snippets/<章>/test_<名>.py` 所检验的 `…/snippets/<章>/<名>.py`。"""
    test = Path(test_file).resolve()
    chapter = test.parent
    if chapter.parent.name != "snippets" or chapter.parent.parent.name != "tests":
        raise ValueError(f"{test}: 测试须放在 tests/snippets/<章>/test_<名>.py")
    name = test.name.removeprefix("test_")
    return chapter.parents[2] / "snippets" / chapter.name / name


def load_snippet(test_file: str | Path) -> ModuleType:
    """导入与测试同名的片段模块；章名含连字符，所以按路径导入。

    用法：`bn = load_snippet(__file__)`
    """
    path = snippet_path(test_file)
    if not path.is_file():
        raise FileNotFoundError(f"{test_file}: 没有对应的片段 {path}；先写片段，或改正测试的文件名")
    name = f"snippets.{path.parent.name}.{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
