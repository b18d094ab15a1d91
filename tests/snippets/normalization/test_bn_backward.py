"""BN 反向：与 PyTorch 的 autograd、截断某条路径的 autograd、最小二乘逐一核对。"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet

bn = load_snippet(__file__)
SHAPES = [(2, 1), (5, 3), (64, 7)]


def case(shape, seed=0, scale=3.0):
    """随机输入与随机上游梯度：x、gamma、beta、dy。"""
    rng = np.random.default_rng(seed)
    n, d = shape
    x = rng.normal(5.0, scale, size=shape)
    return x, rng.normal(size=d), rng.normal(size=d), rng.normal(size=(n, d))


def leaves(*arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def close(actual, expected):
    np.testing.assert_allclose(actual, np.asarray(expected), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [3.0, 1e-3])  # 方差小到与 ε 可比，才看得出 ε 的位置与大小
def test_gradients_match_autograd(shape, scale):
    x, gamma, beta, dy = case(shape, scale=scale)
    inputs = leaves(x, gamma, beta)
    expected = F.batch_norm(inputs[0], None, None, *inputs[1:], training=True)
    expected.backward(torch.tensor(dy))
    y, cache = bn.forward(x, gamma, beta)
    close(y, expected.detach())
    for actual, leaf in zip(bn.backward(dy, cache), inputs, strict=True):
        close(actual, leaf.grad)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("open_path", ["direct", "mean", "var"])
def test_each_path_matches_autograd_with_the_others_detached(shape, open_path):
    x, gamma, beta, dy = case(shape, seed=1)
    (t,) = leaves(x)
    mean, var = t.mean(0), ((t - t.mean(0).detach()) ** 2).mean(0)
    centered = (t if open_path == "direct" else t.detach()) - (
        mean if open_path == "mean" else mean.detach()
    )
    x_hat = centered / torch.sqrt((var if open_path == "var" else var.detach()) + 1e-5)
    (torch.tensor(gamma * dy) * x_hat).sum().backward()
    _, cache = bn.forward(x, gamma, beta)
    actual = dict(zip(["direct", "mean", "var"], bn.paths(dy, cache), strict=True))
    close(np.broadcast_to(actual[open_path], shape), t.grad)


def test_direct_path_alone_is_the_gradient_with_frozen_statistics():
    x, gamma, beta, dy = case((16, 4), seed=2)
    (t,) = leaves(x)
    weights = torch.tensor(gamma), torch.tensor(beta)
    frozen = torch.tensor(x.mean(0)), torch.tensor(x.var(0))
    F.batch_norm(t, *frozen, *weights, training=False).backward(torch.tensor(dy))
    _, cache = bn.forward(x, gamma, beta)
    close(bn.paths(dy, cache)[0], t.grad)
    assert np.abs(bn.backward(dy, cache)[0] - t.grad.numpy()).max() > 0.01


def test_variance_is_biased():
    x, _, _, _ = case((4, 3), seed=3)
    y, _ = bn.forward(x, np.ones(3), np.zeros(3), eps=0.0)
    t = torch.tensor(x)
    close(y * torch.std(t, 0, unbiased=False).numpy(), t - t.mean(0))
    assert np.abs(y * torch.std(t, 0, unbiased=True).numpy() - x + x.mean(0)).max() > 0.1


def test_convolutional_features_share_statistics_over_n_h_w():
    rng = np.random.default_rng(4)
    x, dy = rng.normal(2.0, 3.0, size=(2, 4, 3, 2, 5))  # 各 (N=4, C=3, H=2, W=5)
    gamma, beta = rng.normal(size=(2, 3))
    inputs = leaves(x, gamma, beta)
    F.batch_norm(inputs[0], None, None, *inputs[1:], training=True).backward(torch.tensor(dy))
    _, cache = bn.forward(bn.channel_rows(x), gamma, beta)
    dx, dgamma, dbeta = bn.backward(bn.channel_rows(dy), cache)
    close(dx, inputs[0].grad.permute(0, 2, 3, 1).reshape(-1, 3))
    close(dgamma, inputs[1].grad)
    close(dbeta, inputs[2].grad)


def test_bias_before_bn_gets_no_gradient():
    x, gamma, beta, dy = case((6, 2), seed=5)
    _, cache = bn.forward(x, gamma, beta)
    close(bn.backward(dy, cache)[0].sum(axis=0), np.zeros(2))


def test_what_remains_along_x_hat_is_eps_over_var_plus_eps():
    x, gamma, beta, dy = case((6, 2), seed=6, scale=0.01)
    _, cache = bn.forward(x, gamma, beta)
    x_hat, _, rstd = cache
    dx_hat = torch.tensor(gamma * dy)
    share = 1e-5 / (torch.tensor(x).var(0, unbiased=False) + 1e-5)
    expected = share * torch.tensor(rstd) * (dx_hat * torch.tensor(x_hat)).sum(0)
    close((bn.backward(dy, cache)[0] * x_hat).sum(axis=0), expected)


def test_without_eps_dx_is_a_least_squares_residual():
    x, gamma, beta, dy = case((9, 1), seed=7)
    _, cache = bn.forward(x, gamma, beta, eps=0.0)
    design = np.hstack([np.ones_like(x), x])  # 对 [1, x] 与对 [1, x̂] 的残差相同
    target = gamma * dy
    residual = target - design @ np.linalg.lstsq(design, target)[0]
    close(bn.backward(dy, cache)[0], residual / x.std(axis=0))


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_samples_leave_no_gradient(n):
    dy, cache = bn.batch_of(n)
    direct, _, _ = bn.paths(dy, cache)
    assert np.abs(bn.backward(dy, cache)[0]).max() < 1e-4 * np.abs(direct).max()


def test_relative_error():
    a, b = np.random.default_rng(8).normal(size=(2, 6, 2))
    ratio = torch.sum(torch.tensor(a - b) ** 2) / torch.sum(torch.tensor(b) ** 2)
    close(bn.relative_error(a, b), ratio.sqrt())


# 等价变异：np.zeros(2) → np.ones(2)：beta 不进 cache，反向用不到它
# 等价变异：_, cache = forward(x, gamma=np.array([1.0, 2.0]), beta=np.zeros(1))：同上
# 等价变异：5.0 → 10.0：输入整体平移，归一化的结果不变
def test_demo_batch():
    dy, (x_hat, gamma, rstd) = bn.batch_of(8)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(5.0, 3.0, size=(8, 2)))
    close(dy, rng.normal(size=(8, 2)))
    close(gamma, [1.0, 2.0])
    close(x_hat, F.batch_norm(x, None, None, training=True))
    close(rstd, 1 / torch.sqrt(x.var(0, unbiased=False) + 1e-5))


def test_figure_gradient_paths_draws_every_dependency():
    (ax,) = bn.figure_gradient_paths().axes
    arrows = [t for t in ax.texts if getattr(t, "arrow_patch", None)]
    labels = [t for t in ax.texts if hasattr(t, "xyann") and t not in arrows]
    names = {t.get_position(): t.get_text() for t in ax.texts if not hasattr(t, "xyann")}
    mean, var, x_hat = r"$\mu$", r"$\sigma^2$", r"$\hat{x}_j$"
    heads = {"$x_i$": [mean, var, x_hat], mean: [var, x_hat], var: [x_hat], x_hat: ["$y_j$"]}
    assert {(names[a.xyann], names[a.xy]) for a in arrows} == {
        (tail, head) for tail in heads for head in heads[tail]
    }
    for arrow, label in zip(arrows, labels, strict=True):  # 标注在箭头中点的左侧，与箭头平行
        step = complex(*np.subtract(arrow.xy, arrow.xyann))
        close(label.xy, np.add(arrow.xy, arrow.xyann) / 2)
        assert label.get_rotation() == pytest.approx(np.angle(step, deg=True) % 360)
        assert complex(*label.xyann) / step == pytest.approx(3j / abs(step))
    (place_x, place_mean, place_var, place_x_hat, place_y) = names
    assert place_mean[0] == place_var[0] == (place_x[0] + place_x_hat[0]) / 2
    assert place_x[1] == place_x_hat[1] == place_y[1] < place_mean[1] == place_var[1] / 2
    across, up = zip(*names, strict=True)  # 画面恰好容下所有结点
    assert (ax.get_xlim(), ax.get_ylim()) == ((min(across), max(across)), (min(up), max(up)))


def test_figure_residual_plots_the_regression():
    fig = bn.figure_residual()
    (ax,) = fig.axes
    points, line = ax.get_lines()
    dy, (x_hat, _, _) = bn.batch_of(12)
    order = x_hat[:, 1].argsort()
    close(points.get_xdata(), x_hat[order, 1])
    close(points.get_ydata(), 2.0 * dy[order, 1])
    slope, intercept = np.polyfit(x_hat[:, 1], 2.0 * dy[:, 1], 1)
    np.testing.assert_allclose(line.get_ydata(), intercept + slope * line.get_xdata(), rtol=1e-4)
    close(line.get_xdata(), x_hat[order, 1])
    (stems,) = ax.collections
    for stem, px, a, b in zip(
        stems.get_segments(), points.get_xdata(), line.get_ydata(), points.get_ydata(), strict=True
    ):
        close(stem, [[px, a], [px, b]])
