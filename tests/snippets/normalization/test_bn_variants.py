"""BN 变体：与 PyTorch 的归一化函数、自动求导和论文公式的直译比较。"""

import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet

variants = load_snippet(__file__)

SHAPES = [(4, 3, 5, 6), (6, 2, 1, 3), (2, 5, 4, 4)]


def draw(shape, seed=0, scale=2.0):
    rng = np.random.default_rng(seed)
    return rng.normal(loc=1.0, scale=scale, size=shape)


def torch_bn(x, **kwargs):
    return F.batch_norm(torch.as_tensor(x), None, None, training=True, **kwargs).numpy()


def torch_renorm(x, mean, std, r_max, d_max, eps=1e-5):
    x, mean, std = (torch.as_tensor(v) for v in (x, mean, std))
    flat = x.transpose(0, 1).flatten(1)
    shape = (1, -1, 1, 1)
    mu = flat.mean(dim=1).reshape(shape)
    sigma = (flat.var(dim=1, correction=0) + eps).sqrt().reshape(shape)
    r = (sigma / std).clamp(1 / r_max, r_max)
    d = ((mu - mean) / std).clamp(-d_max, d_max)
    return ((x - mu) / sigma * r + d).numpy()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [2.0, 1e-3])
def test_standardize_with_batch_moments_is_bn(shape, scale):
    x = draw(shape, scale=scale)
    mean, var = variants.moments(x, (0, 2, 3))
    np.testing.assert_allclose(variants.standardize(x, mean, var), torch_bn(x), rtol=1e-7)
    expected = torch_bn(x, eps=0.1)
    np.testing.assert_allclose(variants.standardize(x, mean, var, 0.1), expected, rtol=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bounds", [(1.0, 0.0), (1.2, 0.3), (1.05, 0.02), (9.0, 9.0)])
@pytest.mark.parametrize("scale", [2.0, 0.3, 1e-3])
def test_batch_renorm_matches_its_definition(shape, bounds, scale):
    rng = np.random.default_rng(1)
    x = draw(shape, scale=scale)
    mean = rng.normal(loc=1.0, scale=0.5, size=(1, shape[1], 1, 1))
    std = rng.uniform(0.5, 3.0, size=mean.shape) * scale
    ours = variants.batch_renorm(x, mean, std, *bounds)
    np.testing.assert_allclose(ours, torch_renorm(x, mean, std, *bounds), rtol=1e-8, atol=1e-10)
    ours = variants.batch_renorm(x, mean, std, *bounds, eps=0.2)
    expected = torch_renorm(x, mean, std, *bounds, eps=0.2)
    np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-10)


def test_unclipped_batch_renorm_is_inference_bn():
    x = draw((4, 3, 5, 5), seed=2)
    mean, std = np.array([0.5, 1.5, 1.0]), np.array([1.0, 3.0, 2.0])
    stats = torch.from_numpy(mean), torch.from_numpy(std**2)
    expected = F.batch_norm(torch.from_numpy(x), *stats, eps=0.0).numpy()
    shape = (1, 3, 1, 1)
    ours = variants.batch_renorm(x, mean.reshape(shape), std.reshape(shape), 50.0, 50.0)
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


def test_closed_batch_renorm_is_bn():
    x = draw((4, 3, 5, 5), seed=3)
    anything = np.full((1, 3, 1, 1), 7.0)
    ours = variants.batch_renorm(x, anything, anything, 1.0, 0.0)
    np.testing.assert_allclose(ours, torch_bn(x), rtol=1e-8)


@pytest.mark.parametrize("n,g", [(8, 2), (6, 3), (4, 4)])
def test_ghost_bn_is_bn_on_each_chunk(n, g):
    x = draw((n, 3, 2, 5), seed=4)
    expected = torch.cat([torch.as_tensor(torch_bn(chunk)) for chunk in torch.tensor(x).split(g)])
    np.testing.assert_allclose(variants.ghost_batch_norm(x, g), expected.numpy(), rtol=1e-8)
    if g < n:
        assert abs(variants.ghost_batch_norm(x, g) - torch_bn(x)).max() > 0.05


def torch_moment_gradients(u, w):
    """μ、ν 及其梯度，都由 autograd 给出。"""
    leaf = torch.tensor(w, requires_grad=True)
    z = torch.from_numpy(u) @ leaf
    values = z.mean(), (z * z).mean()
    return [(v.item(), torch.autograd.grad(v, leaf, retain_graph=True)[0].numpy()) for v in values]


def test_moment_gradients_match_autograd():
    rng = np.random.default_rng(5)
    u, w = rng.normal(size=(7, 4)) + 1, rng.normal(size=4)
    for ours, expected in zip(
        variants.linear_moments(u, w), torch_moment_gradients(u, w), strict=True
    ):
        assert ours[0] == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(ours[1], expected[1], rtol=1e-10)


@pytest.mark.parametrize("drift", [0.05, 2.0])
def test_cross_iteration_statistics_match_the_paper_formula(drift):
    rng = np.random.default_rng(6)
    history = [(rng.normal(size=(3, 4)) + 1, rng.normal(size=4)) for _ in range(5)]
    w_now = history[-1][1] + drift * rng.normal(size=4)
    mus, nus, clipped = [], [], 0
    for u, w in history:
        (mu, dmu), (nu, dnu) = torch_moment_gradients(u, w)
        mus.append(mu + dmu @ (w_now - w))
        nus.append(nu + dnu @ (w_now - w))
        clipped += nus[-1] < mus[-1] ** 2
    mus, nus = torch.tensor(mus), torch.tensor(nus)
    assert clipped > 0  # 截断确实起作用
    var = torch.maximum(nus, mus**2).mean() - mus.mean() ** 2
    ours = variants.cross_iteration_stats(history, w_now)
    np.testing.assert_allclose(ours, [mus.mean(), var], rtol=1e-10)


def test_compensation_is_exact_for_the_mean_and_second_order_for_the_rest():
    rng = np.random.default_rng(7)
    u, w, direction = rng.normal(size=(9, 3)) + 1, rng.normal(size=3), rng.normal(size=3)
    errors = []
    for step in (1e-2, 5e-3):
        w_now = w + step * direction
        (true_mu, _), (true_nu, _) = torch_moment_gradients(u, w_now)
        mu, nu = (variants.compensate(*m, w, w_now) for m in variants.linear_moments(u, w))
        assert mu == pytest.approx(true_mu, rel=1e-12)
        errors.append(abs(nu - true_nu))
    assert errors[0] / errors[1] == pytest.approx(4, rel=1e-6)


def test_one_step_of_cross_iteration_is_bn():
    rng = np.random.default_rng(8)
    u, w = rng.normal(size=(6, 3)), rng.normal(size=3)
    z = torch.from_numpy(u @ w)
    expected = [z.mean().item(), z.var(correction=0).item()]
    np.testing.assert_allclose(variants.cross_iteration_stats([(u, w)], w), expected, rtol=1e-10)


def test_conditional_bn_shares_statistics_not_parameters():
    rng = np.random.default_rng(9)
    x = draw((4, 3, 2, 5), seed=9)
    gamma, beta = rng.normal(size=(2, 4, 3))
    x_hat = torch_bn(x)
    expected = [[gamma[n, c] * x_hat[n, c] + beta[n, c] for c in range(3)] for n in range(4)]
    ours = variants.conditional_batch_norm(x, gamma, beta)
    np.testing.assert_allclose(ours, np.array(expected), rtol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [2.0, 1e-3])
def test_frn_is_rms_norm_per_instance_and_threshold(shape, scale):
    x, (gamma, beta, tau) = draw(shape, scale=scale) - 1, draw((3, shape[1], 1, 1), seed=10) - 1
    normalized = F.rms_norm(torch.from_numpy(x), shape[2:], eps=1e-6).numpy()
    expected = np.where(gamma * normalized + beta > tau, gamma * normalized + beta, tau)
    np.testing.assert_allclose(variants.frn(x, gamma, beta, tau), expected, rtol=1e-9)
    normalized = F.rms_norm(torch.from_numpy(x), shape[2:], eps=0.3).numpy()
    ours = variants.frn(x, gamma, beta, tau, eps=0.3)
    expected = np.where(gamma * normalized + beta > tau, gamma * normalized + beta, tau)
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


def test_frn_keeps_the_mean():
    x = draw((2, 3, 6, 6), seed=11) + 20
    one = np.ones((3, 1, 1))
    ours = variants.frn(x, one, 0 * one, -99 * one)
    expected = F.rms_norm(torch.from_numpy(x), (6, 6), eps=1e-6).numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-9)
    assert ours.mean(axis=(2, 3)).min() > 0.9  # 减均值的归一化会得到 0


def test_frn_on_single_pixels_is_nearly_the_sign():
    x = draw((5, 3, 1, 1), seed=12)
    one = np.ones((3, 1, 1))
    ours = variants.frn(x, one, 0 * one, -99 * one)
    np.testing.assert_allclose(ours, torch.sign(torch.from_numpy(x)).numpy(), rtol=1e-3)


def torch_switch(x, mean_logits, var_logits, eps=1e-5):
    x = torch.from_numpy(x)
    dims = [(2, 3), (1, 2, 3), (0, 2, 3)]
    w = torch.softmax(torch.from_numpy(mean_logits), 0)
    v = torch.softmax(torch.from_numpy(var_logits), 0)
    mean = sum(w[i] * x.mean(dim=d, keepdim=True) for i, d in enumerate(dims))
    var = sum(v[i] * x.var(dim=d, keepdim=True, correction=0) for i, d in enumerate(dims))
    return ((x - mean) / (var + eps).sqrt()).numpy()


@pytest.mark.parametrize("shape", SHAPES)
def test_switchable_norm_matches_its_definition(shape):
    logits = np.random.default_rng(13).normal(size=(2, 3))
    x = draw(shape, seed=13)
    ours = variants.switchable_norm(x, *logits)
    np.testing.assert_allclose(ours, torch_switch(x, *logits), rtol=1e-8, atol=1e-10)
    swapped = variants.switchable_norm(x, *logits[::-1])
    assert abs(swapped - ours).max() > 1e-3  # 均值与方差的权重各是一组


@pytest.mark.parametrize("which", [0, 1, 2])
def test_switchable_norm_contains_in_ln_bn(which):
    x = draw((3, 4, 5, 2), seed=14)
    logits = np.full(3, -200.0)
    logits[which] = 0.0
    t = torch.from_numpy(x)
    expected = [F.instance_norm(t), F.layer_norm(t, x.shape[1:]), torch.as_tensor(torch_bn(x))]
    ours = variants.switchable_norm(x, logits, logits)
    np.testing.assert_allclose(ours, expected[which].numpy(), rtol=1e-8, atol=1e-12)


def test_gap_is_root_mean_square():
    a, b = draw((4, 3), seed=15), draw((4, 3), seed=16)
    expected = F.mse_loss(torch.from_numpy(a), torch.from_numpy(b)).sqrt().item()
    assert variants.inference_gap(a, b) == pytest.approx(expected, rel=1e-12)


def test_demo_prints_what_the_definitions_give(capsys):
    runpy.run_path(variants.__file__, run_name="__main__")
    out = capsys.readouterr().out
    assert out.count("True") == 5 and "False" not in out
    rng = np.random.default_rng(0)
    rng.normal(size=(8, 4, 5, 5))
    u = rng.normal(size=(16, 3)) + 1
    assert f"不补偿的误差 {abs(0.1 * u.mean(axis=0).sum()):.3f}，补偿后 0.000" in out


def test_figure_gaps_match_torch():
    (ax,) = variants.figure().axes
    x = np.random.default_rng(0).normal(size=(128, 64, 1, 1))
    zero, one = np.zeros((1, 64, 1, 1)), np.ones((1, 64, 1, 1))
    sizes = [4, 8, 16, 32, 64, 128]

    def gap(function):
        chunks = [torch.tensor(x).split(n) for n in sizes]
        out = [np.concatenate([function(chunk.numpy()) for chunk in split]) for split in chunks]
        return [np.sqrt(np.square(o - x).mean()) for o in out]

    expected = [
        gap(torch_bn),
        gap(lambda chunk: torch_renorm(chunk, zero, one, 1.1, 0.1)),
        gap(lambda chunk: torch_renorm(chunk, zero, one, 3.0, 5.0)),
    ]
    for line, values in zip(ax.get_lines(), expected, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), sizes)
        np.testing.assert_allclose(line.get_ydata(), values, rtol=1e-6, atol=1e-12)
