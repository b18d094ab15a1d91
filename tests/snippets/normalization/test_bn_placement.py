"""各种摆法的梯度与训练轨迹和 PyTorch 的 autograd、SGD 比较；偏度和 SciPy 比较。"""

import itertools
import math
import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet, snippet_path
from scipy.stats import skew

bn = load_snippet(__file__)
ORDERS = ("none", "before", "after")


def torch_params(params):
    return [{k: torch.tensor(v, requires_grad=True) for k, v in p.items()} for p in params]


def torch_logit(params, order, a):
    for p in params[:-1]:

        def norm(v, p=p):
            return F.batch_norm(v, None, None, p["gamma"], p["beta"], training=True, eps=1e-5)

        a = a @ p["w"] + p["b"]
        a = torch.relu(norm(a)) if order == "before" else torch.relu(a)
        a = norm(a) if order == "after" else a
    return (a @ params[-1]["w"] + params[-1]["b"])[:, 0]


def torch_loss(params, order, x, t):
    return F.softplus(-torch.tensor(t) * torch_logit(params, order, torch.tensor(x))).mean()


def torch_train(order, lr, seed, steps=40, depth=6, width=16):
    x, t = bn.spirals()
    params, losses = torch_params(bn.init([2] + [width] * depth + [1], seed)), []
    opt = torch.optim.SGD([v for p in params for v in p.values()], lr=lr)
    for _ in range(steps):
        opt.zero_grad()
        loss = torch_loss(params, order, x, t)
        loss.backward()
        losses.append(loss.item())
        opt.step()
    return losses


@pytest.fixture(scope="module")
def final():
    """损失曲线：(order, lr) -> 三个种子的平均。"""
    return {
        (o, lr): np.mean([torch_train(o, lr, seed) for seed in range(3)], axis=0)
        for o in ORDERS
        for lr in (0.03, 0.3)
    }


def random_params(widths, seed):
    rng = np.random.default_rng(seed)
    return [
        {
            "w": rng.normal(size=(i, o)),
            "b": rng.normal(size=o),
            "gamma": rng.normal(size=o),
            "beta": rng.normal(size=o),
        }
        for i, o in itertools.pairwise(widths)
    ]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("n", "widths"), [(9, [2, 5, 1]), (20, [3, 4, 6, 5, 1]), (6, [4, 1])])
def test_loss_and_grads(order, n, widths):
    rng = np.random.default_rng(n)
    params = random_params(widths, n)
    x, t = rng.normal(size=(n, widths[0])), rng.choice([-1.0, 1.0], size=n)
    reference = torch_params(params)
    expected = torch_loss(reference, order, x, t)
    expected.backward()
    loss, grads = bn.loss_and_grads(params, order, x, t)
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-9)
    for mine, ref in zip(grads, reference, strict=True):
        for key, value in ref.items():
            if value.grad is None:
                assert key not in mine
            else:
                expected_grad = value.grad.numpy()
                np.testing.assert_allclose(mine[key], expected_grad, rtol=1e-7, atol=1e-11)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 50.0])
def test_batch_norm_matches_torch(scale):
    rng = np.random.default_rng(2)
    x, dy = scale * rng.normal(size=(11, 4)), rng.normal(size=(11, 4))
    p = {"gamma": rng.normal(size=4), "beta": rng.normal(size=4)}
    v, gamma, beta = (torch.tensor(a, requires_grad=True) for a in (x, p["gamma"], p["beta"]))
    y = F.batch_norm(v, None, None, gamma, beta, training=True, eps=1e-5)
    y.backward(torch.tensor(dy))
    mine, backward = bn.batch_norm(x, p)
    dx, grads = backward(dy)
    np.testing.assert_allclose(mine, y.detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(dx, v.grad.numpy(), rtol=1e-7, atol=1e-11)
    np.testing.assert_allclose(grads["gamma"], gamma.grad.numpy(), rtol=1e-9)
    np.testing.assert_allclose(grads["beta"], beta.grad.numpy(), rtol=1e-9)


def test_relu_at_zero():
    y, backward = bn.relu(np.array([-1.0, 0.0, 2.0]), {})
    np.testing.assert_array_equal(y, [0, 0, 2])
    np.testing.assert_array_equal(backward(np.array([5.0, 6.0, 7.0]))[0], [0, 0, 7])


def test_orders():
    assert bn.ORDERS["before"] == (bn.linear, bn.batch_norm, bn.relu)
    assert bn.ORDERS["after"] == (bn.linear, bn.relu, bn.batch_norm)
    assert bn.ORDERS["none"] == (bn.linear, bn.relu)


def test_init():
    params = bn.init([3, 7, 2], seed=5)
    rng = np.random.default_rng(5)
    for p, (i, o) in zip(params, [(3, 7), (7, 2)], strict=True):
        np.testing.assert_allclose(p["w"], rng.normal(size=(i, o)) * math.sqrt(2 / i), rtol=1e-12)
        np.testing.assert_array_equal(p["b"], np.zeros(o))
        np.testing.assert_array_equal(p["beta"], np.zeros(o))
        np.testing.assert_array_equal(p["gamma"], np.ones(o))


@pytest.mark.parametrize("n", [64, 5])
def test_spirals(n):
    x, t = bn.spirals(n)
    for k in range(n):
        r = 0.2 + 0.8 * k / (n - 1)
        point = (3 * r * math.cos(3 * math.pi * r), 3 * r * math.sin(3 * math.pi * r))
        np.testing.assert_allclose(x[k], point, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(x[n + k], -x[k])
    np.testing.assert_array_equal(t, [1] * n + [-1] * n)


# 等价变异：margin = t * logit[:, -1]：输出只有一列
# 等价变异：pairs = zip(params, grads, strict=False)：两个列表总是等长
# 等价变异：params = [{k: v - lr * g.get(k, -1) for k, v in p.items()} for p, g in pairs]：没用到
@pytest.mark.parametrize("order", ORDERS)
def test_training_matches_torch(order):
    args = {"steps": 12, "depth": 3, "width": 6}
    mine = bn.train(order, 0.2, 1, **args)
    np.testing.assert_allclose(mine, torch_train(order, 0.2, 1, **args), rtol=1e-7)


def test_defaults_and_ranking(final):
    """三个种子平均：有 BN 远好于没有；这道题上放在 ReLU 之后略快，差距小于有无之差。"""
    for order in ORDERS:
        default = bn.train(order, 0.03, 0)
        np.testing.assert_allclose(default, torch_train(order, 0.03, 0), rtol=1e-5)
    for lr in (0.03, 0.3):
        none, before, after = (final[o, lr][-1] for o in ORDERS)
        assert after < before < none
        assert none - before > before - after


def test_bias_before_bn_gets_no_gradient():
    rng = np.random.default_rng(8)
    params = random_params([3, 5, 4, 1], 8)
    x, t = rng.normal(size=(16, 3)), rng.choice([-1.0, 1.0], size=16)
    before = bn.loss_and_grads(params, "before", x, t)[1]
    after = bn.loss_and_grads(params, "after", x, t)[1]
    for k in range(2):
        np.testing.assert_allclose(before[k]["b"], 0, atol=1e-12)
        assert np.abs(after[k]["b"]).max() > 1e-4


def test_dead_unit_revives_only_with_bn_before():
    """偏置很负、整批都不激活的单元：BN 在前把它拉回来，BN 在后则梯度恒为零。"""
    rng = np.random.default_rng(9)
    params = bn.init([3, 4, 1], 9)
    params[0]["b"] = np.full(4, -100.0)
    x, t = rng.normal(size=(16, 3)), rng.choice([-1.0, 1.0], size=16)
    assert np.abs(bn.loss_and_grads(params, "before", x, t)[1][0]["w"]).max() > 1e-4
    np.testing.assert_array_equal(bn.loss_and_grads(params, "after", x, t)[1][0]["w"], 0)


@pytest.mark.parametrize("shape", [(30, 1), (200, 5)])
def test_skewness(shape):
    x = np.random.default_rng(1).gamma(2.0, size=shape)
    np.testing.assert_allclose(bn.skewness(x), skew(x, axis=0).mean(), rtol=1e-10)
    z = (x - x.mean(0)) / np.sqrt(((x - x.mean(0)) ** 2).mean(0))
    np.testing.assert_allclose(bn.standardize(x), z, rtol=1e-10)


def torch_stream(blocks, after_add, n=512, d=256):
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(n, d)))
    variances, skip, coefficient = [], [], 1.0
    for _ in range(blocks):
        w = torch.tensor(rng.normal(size=(d, d)) * math.sqrt(2 / d))
        x = x + torch.relu(F.batch_norm(x, None, None, training=True, eps=1e-300)) @ w
        if after_add:
            coefficient *= (1 / x.var(0, unbiased=False).sqrt()).mean().item()
            x = F.batch_norm(x, None, None, training=True, eps=1e-300)
        variances.append(x.var(0, unbiased=False).mean().item())
        skip.append(coefficient)
    return variances, skip


@pytest.mark.parametrize("after_add", [False, True])
def test_residual_stream(after_add):
    for size in ({"n": 20, "d": 7}, {}):
        mine = bn.residual_stream(6, after_add, **size)
        np.testing.assert_allclose(mine, torch_stream(6, after_add, **size), rtol=1e-9)


def test_identity_path_is_damped_only_when_bn_follows_the_addition():
    """主干方差每块加 1 - 1/π；相加后再 BN 则恒等支路每块乘 (2 - 1/π)^(-1/2)。"""
    variances, skip = bn.residual_stream(20, False)
    np.testing.assert_array_equal(skip, np.ones(20))
    np.testing.assert_allclose(variances[-1], 1 + 20 * (1 - 1 / np.pi), rtol=0.03)
    variances, skip = bn.residual_stream(20, True)
    np.testing.assert_allclose(variances, 1, rtol=1e-12)
    np.testing.assert_allclose(skip[-1], (2 - 1 / np.pi) ** -10, rtol=0.1)


def test_figure_curves(final):
    fig = bn.figure_curves()
    for ax, lr in zip(fig.axes, (0.03, 0.3), strict=True):
        assert ax.get_title() == rf"$\eta$ = {lr}"
        assert ax.get_yscale() == "log"
        for line, order in zip(ax.lines, ORDERS, strict=True):
            assert line.get_label() == order
            np.testing.assert_allclose(line.get_ydata(), final[order, lr], rtol=1e-4)
    assert tuple(fig.get_size_inches()) == (6.4, 3.4)


def test_figure_units():
    """各单元的次序照原论文；跳连从输入连到 add。"""
    expected = {
        "original": ["conv", "BN", "ReLU", "conv", "BN", "add", "ReLU"],
        "BN after add": ["conv", "BN", "ReLU", "conv", "add", "BN", "ReLU"],
        "pre-activation": ["BN", "ReLU", "conv", "BN", "ReLU", "conv", "add"],
    }
    fig = bn.figure_units()
    for ax, (title, ops) in zip(fig.axes, expected.items(), strict=True):
        assert ax.get_title() == title
        boxes = [a for a in ax.texts if a.get_text()]
        assert [a.get_text() for a in boxes] == ["input", *ops]
        assert [a.get_position() for a in boxes] == [(0, -k) for k in range(8)]
        add = -1 - ops.index("add")
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_xydata(), [[0.3, 0], [1, 0], [1, add]])
        arrows = [(a.xyann, a.xy) for a in ax.texts if not a.get_text()]
        assert arrows[-1] == ((1, add), (0.3, add))
        for k, (start, end) in enumerate(arrows[:-1], start=1):
            np.testing.assert_allclose([start, end], [(0, 0.7 - k), (0, 0.3 - k)])
        assert ax.get_xlim() == (-1, 1.5) and ax.get_ylim() == (-7.5, 0.5)
    assert tuple(fig.get_size_inches()) == (6.4, 3.6)


def test_demo(capsys, final):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    for line, lr in zip(lines[:2], (0.03, 0.3), strict=True):
        losses = {o: f"{final[o, lr][-1]:.3f}" for o in ORDERS}
        assert line == f"η = {lr}：最后一步的损失 {losses}"
    assert lines[2].endswith("[True, False]")
    z = np.random.default_rng(0).normal(size=200000)
    assert lines[3] == f"偏度：z {abs(skew(z)):.2f}，ReLU(z) {skew(z.clip(0)):.2f}"
    assert lines[4].endswith(f"方差 {torch_stream(20, False)[0][19]:.1f}")
    assert lines[5].endswith(f"= {1 + 20 * (math.pi - 1) / math.pi:.1f}")
    assert lines[6].endswith(f"系数 {torch_stream(20, True)[1][19]:.4f}")
    assert lines[7].endswith(f"= {(math.pi / (2 * math.pi - 1)) ** 10:.4f}")
