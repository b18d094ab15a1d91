"""各种归一化：向量化写法与 PyTorch 核对，分组编号与 PyTorch 输出的真实依赖关系核对。"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet

# 等价变异：y[ids == one] = standardize(x[ids == one], -1, eps)：选出来的是一维数组
norm = load_snippet(__file__)
SHAPES = [(2, 4, 3, 5), (3, 6, 2, 2), (1, 8, 4, 1)]
REFERENCE = {
    "BN": lambda t, g: F.batch_norm(t, None, None, training=True),
    "LN": lambda t, g: F.layer_norm(t, t.shape[1:]),
    "IN": lambda t, g: F.instance_norm(t),
    "GN": lambda t, g: F.group_norm(t, g),
}
OURS = {
    "BN": lambda x, g: norm.batch_norm(x),
    "LN": lambda x, g: norm.layer_norm(x),
    "IN": lambda x, g: norm.instance_norm(x),
    "GN": lambda x, g: norm.group_norm(x, g),
}


def close(actual, expected):
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=1e-9, atol=1e-11)


def features(shape, scale=3.0, seed=0):
    return np.random.default_rng(seed).normal(2.0, scale, size=shape)


def rows(x):
    """(N, C, H, W) -> (N, H·W, C)，与 group_ids 的编号同形。"""
    return np.moveaxis(x, 1, -1).reshape(len(x), -1, x.shape[1])


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [3.0, 1e-3])  # 方差与 ε 可比时，才看得出 ε 的位置与大小
def test_matches_pytorch(name, shape, scale):
    x = features(shape, scale)
    expected = REFERENCE[name](torch.tensor(x), 2)
    close(OURS[name](x, 2), expected)
    n, c, h, w = shape
    ids = norm.group_ids(n, h * w, c, groups=2)[name]
    close(norm.by_definition(rows(x), ids), rows(expected.numpy()))


@pytest.mark.parametrize("shape", [(2, 3, 4), (4, 1, 7)])
def test_token_layer_norm_matches_pytorch(shape):
    x = features(shape, scale=0.01)
    expected = F.layer_norm(torch.tensor(x), shape[-1:])
    close(norm.token_layer_norm(x), expected)
    n, t, d = shape
    close(norm.by_definition(x, norm.group_ids(n, t, d, 1)["LN (token)"]), expected)


@pytest.mark.parametrize("name", [*REFERENCE, "LN (token)"])
def test_group_ids_are_the_dependencies_of_pytorch(name):
    n, c, h, w = 3, 6, 2, 2
    x = torch.tensor(features((n, c, h, w), seed=1))

    def outputs(flat):  # 输入、输出都按 (N, H·W, C) 展平
        t = flat.reshape(n, h, w, c)
        if name == "LN (token)":
            return F.layer_norm(t, (c,)).flatten()
        return REFERENCE[name](t.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1).flatten()

    flat = x.permute(0, 2, 3, 1).flatten()
    depends = torch.autograd.functional.jacobian(outputs, flat).abs().numpy() > 1e-9
    ids = norm.group_ids(n, h * w, c, groups=2)[name].ravel()
    np.testing.assert_array_equal(np.unique(ids), np.arange(ids.max() + 1))
    np.testing.assert_array_equal(ids[:, None] == ids, depends)


def test_group_norm_spans_layer_norm_to_instance_norm():
    t = torch.tensor(features((2, 6, 3, 3), seed=2))
    close(norm.group_norm(t.numpy(), 1), REFERENCE["LN"](t, None))
    close(norm.group_norm(t.numpy(), 6), REFERENCE["IN"](t, None))


def test_groups_are_adjacent_channels():
    x = features((1, 4, 3, 3), seed=3)
    close(norm.group_norm(x, 2)[:, :2], norm.layer_norm(x[:, :2]))


def test_transformer_layer_norm_is_not_the_convolutional_one():
    x = features((2, 4, 3, 3), seed=4)
    per_position = np.moveaxis(norm.token_layer_norm(np.moveaxis(x, 1, -1)), -1, 1)
    close(per_position.mean(axis=1), np.zeros((2, 3, 3)))
    assert np.abs(norm.layer_norm(x).mean(axis=1)).max() > 0.1


def test_instance_norm_of_one_pixel_is_zero():
    x = features((2, 4, 1, 1), seed=5)
    close(norm.instance_norm(x), np.zeros_like(x))


@pytest.mark.parametrize("name", REFERENCE)
def test_invariances_match_pytorch(name):
    x = features((3, 4, 5, 5), seed=6)
    calls, expected = [], []

    def ours(x, eps):
        calls.append(x)
        return {"BN": norm.batch_norm, "LN": norm.layer_norm, "IN": norm.instance_norm}.get(
            name, lambda x, eps: norm.group_norm(x, 2, eps)
        )(x, eps=eps)

    actual = norm.invariances(ours, x)
    before = REFERENCE[name](torch.tensor(x), 2)[0]
    for where, called in zip([np.s_[1:], np.s_[0], np.s_[0, 0]], calls[::2], strict=True):
        changed = x.copy()
        changed[where] *= 3.0
        close(called, changed)
        gap = REFERENCE[name](torch.tensor(changed), 2)[0] - before
        expected.append(bool(gap.abs().max() < 1e-3))
    assert actual == expected


def test_invariances_are_exact_without_eps():
    x = features((2, 4, 3, 3), scale=1e-3, seed=9) - 2.0  # ε 若不是零，放缩就会改变输出
    assert norm.invariances(norm.layer_norm, x) == [True, True, False]


@pytest.mark.parametrize("shape", [(4, 3, 2, 2), (5, 7)])
def test_weight_norm_matches_pytorch(shape):
    v, alpha = features(shape, seed=7), features(shape[:1], seed=8)
    module = torch.nn.Linear(1, 1)
    module.weight = torch.nn.Parameter(torch.tensor(v))
    torch.nn.utils.parametrizations.weight_norm(module)
    with torch.no_grad():
        module.parametrizations.weight.original0.copy_(
            torch.tensor(alpha).reshape(-1, *[1] * (len(shape) - 1))
        )
    close(norm.weight_norm(v, alpha), module.weight.detach())


def test_figure_colours_elements_by_dependency():
    fig = norm.figure()
    x = features((2, 3, 4))
    split = x.reshape(2, 3, 2, 2)  # 通道分成 2 组，每组 2 个
    means = {
        "BN": x.mean(axis=(0, 1), keepdims=True),
        "LN": x.mean(axis=(1, 2), keepdims=True),
        "IN": x.mean(axis=1, keepdims=True),
        "GN": np.repeat(split.mean(axis=(1, 3)), 2, axis=1)[:, None],
        "LN (token)": x.mean(axis=2, keepdims=True),
    }
    for (name, mean), ax in zip(means.items(), fig.axes, strict=True):
        assert ax.get_title() == name
        mean = np.broadcast_to(mean, x.shape).reshape(6, 4)
        (mesh,) = ax.collections
        colours = mesh.get_array().ravel()
        same = np.isclose(mean.ravel()[:, None], mean.ravel(), rtol=0, atol=1e-12)
        np.testing.assert_array_equal(colours[:, None] == colours, same)
        assert mesh.get_clim() == (0, 9) and colours.max() < 10  # 默认色轮只有十色
        assert mesh.get_cmap().name == "tab10"
        assert [line.get_ydata()[0] for line in ax.get_lines()] == [3]
        assert ax.yaxis_inverted()
    assert [*fig.axes[0].get_yticks()] == [1.5, 4.5]
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == ["$n=1$", "$n=2$"]
