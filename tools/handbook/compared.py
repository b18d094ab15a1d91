"""由测试的导入看出代码与哪个库比较过。"""

import ast
from pathlib import Path

_LIBRARIES = {
    "torch": "PyTorch",
    "torchvision": "torchvision",
    "scipy": "SciPy",
    "sklearn": "scikit-learn",
    "cv2": "OpenCV",
    "skimage": "scikit-image",
    "sympy": "SymPy",
    "mpmath": "mpmath",
    "networkx": "NetworkX",
    "pycocotools": "pycocotools",
    "imblearn": "imbalanced-learn",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "PIL": "Pillow",
}


def _imported(tree: ast.AST) -> set[str]:
    """导入的顶层包名，函数里的也算。"""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def compared_with(test: Path) -> tuple[str, ...]:
    """库的名字，次序固定；一个参考库都没导入的，是与按定义写出的暴力枚举比较。"""
    imported = _imported(ast.parse(test.read_text("utf-8"), filename=str(test)))
    return tuple(name for module, name in _LIBRARIES.items() if module in imported)
