"""BN 原理页：前向与 PyTorch 逐元素比较，并检验页面所证的几条性质。"""

import itertools
import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet

bn = load_snippet(__file__)

SHAPES = [(7, 5), (4, 3, 6), (4, 3, 5, 6), (2, 4, 3, 2, 5)]


def draw(shape, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(loc=rng.normal(), scale=scale, size=shape)
    return x, rng.normal(size=shape[1]), rng.normal(size=shape[1])


def torch_bn(x, gamma, beta, eps=1e-5):
    args = [torch.from_numpy(v) for v in (gamma, beta)]
    return F.batch_norm(torch.from_numpy(x), None, None, *args, training=True, eps=eps).numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [3.0, 1e-3])  # 方差 1e-6 时 ε 起主要作用
def test_forward_matches_torch(shape, scale):
    x, gamma, beta = draw(shape, scale=scale)
    np.testing.assert_allclose(bn.batch_norm(x, gamma, beta), torch_bn(x, gamma, beta), rtol=1e-9)
    expected = torch_bn(x, gamma, beta, eps=0.3)
    np.testing.assert_allclose(bn.batch_norm(x, gamma, beta, eps=0.3), expected, rtol=1e-9)


@pytest.mark.parametrize("scale", [2.0, 1e-3])
def test_loop_is_the_same_definition(scale):
    x, gamma, beta = draw((5, 3, 4, 2), seed=1, scale=scale)
    np.testing.assert_allclose(
        bn.batch_norm_loop(x, gamma, beta), torch_bn(x, gamma, beta), rtol=1e-9
    )
    np.testing.assert_allclose(
        bn.batch_norm_loop(x, gamma, beta, eps=0.2), torch_bn(x, gamma, beta, 0.2), rtol=1e-9
    )


def test_variance_is_biased():
    x, _, _ = draw((3, 4), seed=2)
    x_hat = bn.batch_norm(x, np.ones(4), np.zeros(4), eps=0.0)
    np.testing.assert_allclose((x_hat**2).sum(axis=0), 3, rtol=1e-12)  # 无偏则得 2


def test_output_mean_is_beta_and_variance_is_shrunk_gamma():
    x, gamma, beta = draw((6, 3, 4, 4), seed=3)
    y = torch.from_numpy(bn.batch_norm(x, gamma, beta, eps=0.5)).transpose(0, 1).flatten(1)
    var = torch.from_numpy(x).transpose(0, 1).flatten(1).var(dim=1, correction=0).numpy()
    np.testing.assert_allclose(y.mean(dim=1), beta, rtol=1e-9)
    expected = gamma**2 * var / (var + 0.5)
    np.testing.assert_allclose(y.var(dim=1, correction=0), expected, rtol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_identity_is_reachable(shape):
    x, _, _ = draw(shape, seed=4, scale=1e-2)
    np.testing.assert_allclose(torch_bn(x, *bn.identity_params(x)), x, rtol=1e-9)
    np.testing.assert_allclose(torch_bn(x, *bn.identity_params(x, 0.7), eps=0.7), x, rtol=1e-9)


def test_bias_before_bn_is_cancelled():
    x, gamma, beta = draw((6, 3, 4, 4), seed=5)
    bias = np.random.default_rng(5).normal(size=(1, 3, 1, 1))
    np.testing.assert_allclose(
        bn.batch_norm(x + bias, gamma, beta), torch_bn(x, gamma, beta), rtol=1e-9
    )


def numeric_gradient(loss, w, step=1e-4):
    gradient = np.empty_like(w)
    for index in np.ndindex(w.shape):
        delta = np.zeros_like(w)
        delta[index] = step * np.linalg.norm(w)
        gradient[index] = (loss(w + delta) - loss(w - delta)) / (2 * delta[index])
    return gradient


def test_scaling_the_weights_divides_the_gradient():
    rng = np.random.default_rng(6)
    u, w, dy = rng.normal(size=(9, 4)), rng.normal(size=(3, 4)), rng.normal(size=(9, 3))

    def loss(w):
        return (dy * bn.batch_norm(u @ w.T, np.ones(3), np.zeros(3), eps=0.0)).sum()

    leaf = torch.from_numpy(w).requires_grad_()
    z = torch.from_numpy(u) @ leaf.T
    out = F.batch_norm(z, None, None, training=True, eps=1e-30)
    (out * torch.from_numpy(dy)).sum().backward()
    gradient = leaf.grad.numpy()
    assert loss(10 * w) == pytest.approx(loss(w), rel=1e-12)
    np.testing.assert_allclose(10 * numeric_gradient(loss, 10 * w), gradient, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose((gradient * w).sum(axis=1), 0, atol=1e-12)  # 与每行权重正交


def test_negative_scale_flips_the_sign():
    x, _, _ = draw((6, 3), seed=7)
    flipped = bn.batch_norm(-4 * x, np.ones(3), np.zeros(3), eps=0.0)
    np.testing.assert_allclose(flipped, -torch_bn(x, np.ones(3), np.zeros(3), 1e-30), rtol=1e-9)


def test_statistics_per_position_break_translation():
    x, gamma, beta = draw((4, 3, 5, 5), seed=8)
    rolled = np.roll(x, (1, 2), axis=(2, 3))
    expected = np.roll(torch_bn(x, gamma, beta), (1, 2), axis=(2, 3))
    np.testing.assert_allclose(bn.batch_norm(rolled, gamma, beta), expected, rtol=1e-9)
    # 每个位置各学各的 γ、β：展平成 (N, C·H·W) 再做 BN，就不再与平移可交换
    gamma, beta = np.random.default_rng(8).normal(size=(2, 75))
    per_position = torch_bn(x.reshape(4, -1), gamma, beta).reshape(x.shape)
    shifted = torch_bn(rolled.reshape(4, -1), gamma, beta).reshape(x.shape)
    assert abs(shifted - np.roll(per_position, (1, 2), axis=(2, 3))).max() > 0.5


def test_output_depends_on_the_rest_of_the_batch():
    x, gamma, beta = draw((8, 3), seed=9)
    first = bn.batch_norm(x[:4], gamma, beta)[0]
    second = bn.batch_norm(np.vstack([x[:1], x[4:]]), gamma, beta)[0]
    assert abs(first - second).max() > 0.1
    np.testing.assert_allclose(first, torch_bn(x[:4], gamma, beta)[0], rtol=1e-9)


def test_sigmoid_slope_matches_autograd():
    z = torch.linspace(-9, 9, 37, dtype=torch.float64, requires_grad=True)
    torch.sigmoid(z).sum().backward()
    np.testing.assert_allclose(bn.sigmoid_slope(z.detach().numpy()), z.grad.numpy(), rtol=1e-9)


def slope(z):
    z = torch.as_tensor(z)
    return (torch.sigmoid(z) * torch.sigmoid(-z)).numpy()


def test_demo_prints_what_torch_computes(capsys):
    runpy.run_path(bn.__file__, run_name="__main__")
    out = capsys.readouterr().out
    x = np.random.default_rng(0).normal(4, 5, size=(8, 3, 4, 4))
    np.testing.assert_array_equal(bn.demo_batch(), x)
    x_hat = torch_bn(x, np.ones(3), np.zeros(3))
    assert f"{slope(x).mean():.3f} -> {slope(x_hat).mean():.3f}" in out
    assert "[7. 7. 7.]" in out and "[2. 2. 2.]" in out
    assert out.count("True") == 4 and "False" not in out


def test_figure_shows_both_histograms():
    (ax,) = bn.figure().axes
    (line,) = ax.get_lines()
    np.testing.assert_allclose(line.get_ydata(), slope(line.get_xdata()), rtol=1e-7)
    assert (line.get_xdata()[0], line.get_xdata()[-1]) == (-10, 18)
    x = bn.demo_batch()
    for patch, values in zip(ax.patches, (x, torch_bn(x, np.ones(3), np.zeros(3))), strict=True):
        heights, edges, _ = patch.get_data()
        tally = [((values >= a) & (values < b)).sum() for a, b in itertools.pairwise(edges)]
        inside = ((values >= -10) & (values <= 18)).sum()
        np.testing.assert_allclose(heights, np.array(tally) / inside, rtol=1e-9)
        np.testing.assert_array_equal(edges, range(-10, 19))
