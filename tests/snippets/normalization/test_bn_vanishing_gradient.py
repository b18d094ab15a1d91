"""逐层增益与 SciPy 的数值积分比较，整网回传与 PyTorch 的 autograd 比较。"""

import functools
import itertools
import math
import re
import runpy

import numpy as np
import pytest
import torch
from handbook.testing import load_snippet, snippet_path
from scipy.integrate import quad
from scipy.special import expit

bn = load_snippet(__file__)
TORCH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
SMOOTH = {
    "sigmoid": (expit, lambda u: expit(u) * expit(-u)),
    "tanh": (math.tanh, lambda u: math.cosh(u) ** -2),
}


def expectation(f, gamma, beta):
    """E[f(u)]，u ~ N(β, γ²)，由 SciPy 积分。"""

    def density(u):
        return f(u) * math.exp(-(((u - beta) / gamma) ** 2) / 2) / gamma / math.sqrt(2 * math.pi)

    cuts = np.sort([beta - 12 * gamma, 0, beta, beta + 12 * gamma])
    pieces = itertools.pairwise(cuts)
    return sum(quad(density, *ab, epsabs=1e-14, epsrel=1e-13, limit=200)[0] for ab in pieces)


def slope_by_autograd(name, u):
    x = torch.tensor(u, dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(TORCH[name](x).sum(), x)
    return grad.numpy()


def reference_gain(name, gamma, beta):
    phi, dphi = SMOOTH[name]
    var = expectation(lambda u: phi(u) ** 2, gamma, beta) - expectation(phi, gamma, beta) ** 2
    slope = expectation(lambda u: dphi(u) ** 2, gamma, beta)
    return gamma**2 * slope / var


@functools.cache
def torch_net(name, scale, use_bn, n, d, layers, seed=0):
    """同样的网络用 PyTorch 写一遍：各层 u、各层 ∂L/∂a_l。"""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(layers, d, d)) / d**0.5
    x, top = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    acts, pre = [torch.tensor(x, requires_grad=True)], []
    for w in torch.tensor(scale * weights):
        z = acts[-1] @ w
        if use_bn:
            z = (z - z.mean(0)) / z.var(0, unbiased=False).sqrt()
        pre.append(z)
        acts.append(TORCH[name](z))
    grads = torch.autograd.grad((acts[-1] * torch.tensor(top)).sum(), acts)
    return [u.detach().numpy() for u in pre], [g.numpy() for g in grads]


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


@pytest.mark.parametrize("name", TORCH)
def test_activations(name):
    u = np.array([-4.0, -1.3, -1e-3, 1e-3, 0.7, 3.0])
    phi, dphi = bn.ACTIVATIONS[name]
    np.testing.assert_allclose(phi(u), TORCH[name](torch.tensor(u)).numpy(), rtol=1e-12)
    np.testing.assert_allclose(dphi(u), slope_by_autograd(name, u), rtol=1e-10)
    assert dphi(np.zeros(1)) == slope_by_autograd(name, np.zeros(1))


# 等价变异：t = (np.arange(20000) - 0.5) / 1000 - 10：格点平移一格，端点处密度小于 1e-21
# 等价变异：t = (np.arange(19999) + 0.5) / 1000 - 10：同上
# 等价变异：t = (np.arange(20000) + 0.5) / 1000 - 11：同上
# 等价变异：beta + gamma * t → beta - gamma * t：t 的密度左右对称
@pytest.mark.parametrize(("gamma", "beta"), [(1.0, 0.0), (0.3, -0.8), (5.0, 0.0), (1.0, 3.0)])
def test_normal_mean_and_slope(gamma, beta):
    for f in (np.ones_like, np.tanh, np.square, lambda u: u**4, np.cos):
        expected = expectation(lambda u, f=f: float(f(np.float64(u))), gamma, beta)
        np.testing.assert_allclose(bn.normal_mean(f, gamma, beta), expected, rtol=1e-10, atol=1e-14)
    dphi = bn.ACTIVATIONS["tanh"][1]
    expected = expectation(lambda u: (1 - np.tanh(u) ** 2) ** 2, gamma, beta)
    np.testing.assert_allclose(bn.mean_sq_slope(dphi, gamma, beta), expected, rtol=1e-10)


def test_defaults_are_standard_normal():
    assert bn.normal_mean(np.square) == pytest.approx(1, rel=1e-12)
    assert bn.normal_mean(lambda u: u) == pytest.approx(0, abs=1e-14)
    dphi = bn.ACTIVATIONS["tanh"][1]
    assert bn.mean_sq_slope(dphi) == bn.mean_sq_slope(dphi, 1.0, 0.0)
    assert bn.gain(*bn.ACTIVATIONS["tanh"]) == bn.gain(*bn.ACTIVATIONS["tanh"], 1.0, 0.0)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@pytest.mark.parametrize(("gamma", "beta"), [(1.0, 0.0), (0.5, 0.0), (3.0, 0.0), (0.8, 1.1)])
def test_gain_against_quad(name, gamma, beta):
    expected = reference_gain(name, gamma, beta)
    np.testing.assert_allclose(bn.gain(*bn.ACTIVATIONS[name], gamma, beta), expected, rtol=1e-9)


def test_gain_of_relu_is_closed_form():
    for gamma in (0.5, 1.0, 2.0):
        value = bn.gain(*bn.ACTIVATIONS["relu"], gamma)
        np.testing.assert_allclose(value, np.pi / (np.pi - 1), rtol=1e-6)


def test_gain_is_hermite_weighted_mean():
    """χ = Σ k c_k² / Σ c_k² ≥ 1；线性函数取等号。"""
    c = np.array([0.7, 1.3, -0.4, 0.25])  # φ = Σ c_k He_k / √k!
    he = c / np.sqrt([1, 1, 2, 6])
    slope = np.polynomial.hermite_e.hermeder(he)
    value = bn.gain(
        lambda u: np.polynomial.hermite_e.hermeval(u, he),
        lambda u: np.polynomial.hermite_e.hermeval(u, slope),
    )
    k = np.arange(4)
    np.testing.assert_allclose(value, (k * c**2).sum() / (c[1:] ** 2).sum(), rtol=1e-9)
    assert bn.gain(lambda u: 3 * u + 2, lambda u: 3 + 0 * u, 1.7, 0.4) == pytest.approx(1)
    for name in TORCH:
        assert all(bn.gain(*bn.ACTIVATIONS[name], gamma) > 1 for gamma in (0.3, 1, 4))


@pytest.mark.parametrize(("shape", "gamma"), [((8, 3), 1.0), ((5, 1), 0.3), ((33, 7), 2.5)])
def test_bn_matches_autograd(shape, gamma):
    rng = np.random.default_rng(shape[0])
    z, g = rng.normal(3, 2, size=shape), rng.normal(size=shape)
    t = torch.tensor(z, requires_grad=True)
    u = gamma * (t - t.mean(0)) / t.var(0, unbiased=False).sqrt()
    (expected,) = torch.autograd.grad(u, t, torch.tensor(g))
    mine, cache = bn.bn_forward(z, gamma)
    np.testing.assert_allclose(mine, u.detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(bn.bn_backward(g, *cache), expected.numpy(), rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(bn.bn_forward(z)[0], bn.bn_forward(z, 1.0)[0])


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("use_bn", [False, True])
@pytest.mark.parametrize("size", [{"n": 12, "d": 9, "layers": 5}, {"n": 7, "d": 4, "layers": 2}])
def test_network_matches_autograd(name, use_bn, size):
    pre, grads = torch_net(name, 1.4, use_bn, **size)
    a, weights, delta = bn.random_net(**size)
    phi, dphi = bn.ACTIVATIONS[name]
    out, cache = bn.forward(a, 1.4 * weights, phi, use_bn)
    np.testing.assert_allclose(out, phi(pre[-1]), rtol=1e-8)
    mine = bn.backward(delta, cache, dphi)
    assert len(mine) == len(grads)
    for left, right in zip(mine, grads, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-11)
    stds, sizes = bn.rms_by_layer(phi, dphi, 1.4, use_bn, **size)
    np.testing.assert_allclose(stds, [u.std() for u in pre], rtol=1e-9)
    np.testing.assert_allclose(sizes, [rms(g) for g in grads[1:]], rtol=1e-8)


def test_gradient_scale_ignores_weight_scale():
    """有 BN：权重整体放大不改变任何一层的梯度；无 BN 的 ReLU 网：每层差一个因子。"""
    size = {"n": 40, "d": 30, "layers": 8}
    relu = bn.ACTIVATIONS["relu"]
    base = bn.rms_by_layer(*relu, 1.0, True, **size)[1]
    plain = np.array(bn.rms_by_layer(*relu, 1.0, False, **size)[1])
    for scale in (0.1, 0.5, 2.0, 30.0):
        np.testing.assert_allclose(bn.rms_by_layer(*relu, scale, True, **size)[1], base, rtol=1e-9)
        grown = bn.rms_by_layer(*relu, scale, False, **size)[1]
        np.testing.assert_allclose(grown, plain * scale ** np.arange(7, -1, -1), rtol=1e-9)


def test_bn_shrinks_gradient_when_sigma_exceeds_gamma():
    rng = np.random.default_rng(3)
    z, g = rng.normal(size=(64, 5)), rng.normal(size=(64, 5))
    for sigma, grows in ((0.2, True), (5.0, False)):
        dz = bn.bn_backward(g, *bn.bn_forward(sigma * z)[1])
        assert (rms(dz) > rms(g)) is grows


def test_projection_keeps_n_minus_two_directions():
    """E‖Pg‖² / ‖g‖² = (N-2)/N：由雅可比的迹得到，与随机上游无关。"""
    for n in (2, 5, 16):
        z = np.random.default_rng(n).normal(size=(n, 1))
        z_hat, scale = bn.bn_forward(z)[1]
        jacobian = np.hstack([bn.bn_backward(e[:, None], z_hat, scale) for e in np.eye(n)]) / scale
        np.testing.assert_allclose(jacobian @ jacobian, jacobian, atol=1e-12)
        np.testing.assert_allclose(np.trace(jacobian), n - 2, atol=1e-12)


def test_batch_of_two_kills_the_gradient():
    rng = np.random.default_rng(5)
    dz = bn.bn_backward(rng.normal(size=(2, 6)), *bn.bn_forward(rng.normal(size=(2, 6)))[1])
    np.testing.assert_allclose(dz, 0, atol=1e-10)


def test_random_net_defaults():
    x, weights, top = bn.random_net()
    assert x.shape == top.shape == (256, 256)
    assert weights.shape == (20, 256, 256)
    assert weights.std() * 16 == pytest.approx(1, abs=3e-3)


def test_figure():
    left, right = bn.figure().axes
    lines = zip(left.lines, right.lines, strict=False)
    scales = [(0.5, False), (1, False), (2**0.5, False), (2, False), (3.0, True)]
    for (forward_line, grad_line), (scale, use_bn) in zip(lines, scales, strict=True):
        pre, grads = torch_net("relu", scale, use_bn, 256, 256, 20)
        np.testing.assert_allclose(forward_line.get_ydata(), [u.std() for u in pre], rtol=1e-7)
        expected = np.array([rms(g) for g in grads[1:]])
        np.testing.assert_allclose(grad_line.get_ydata(), expected / expected[-1], rtol=1e-7)
    theory = [(np.pi / (np.pi - 1)) ** ((20 - layer) / 2) for layer in range(1, 21)]
    np.testing.assert_allclose(right.lines[5].get_ydata(), theory, rtol=1e-5)
    for line in [*left.lines, *right.lines]:
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 21))
    assert left.get_yscale() == right.get_yscale() == "log"
    assert tuple(left.figure.get_size_inches()) == (6.4, 3.6)


def test_demo(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    for line, name in zip(lines[:3], TORCH, strict=True):
        theory = reference_gain(name, 1.0, 0.0) if name != "relu" else np.pi / (np.pi - 1)
        grads = torch_net(name, 1.0, True, 256, 256, 20)[1]
        measured = (rms(grads[1]) / rms(grads[20])) ** (2 / 19)
        assert line.split()[0] == name
        assert re.findall(r"\d+\.\d+", line) == [f"{theory:.3f}", f"{measured:.3f}"]
    for line, scale in zip(lines[3:6], (0.5, 1, 2), strict=True):
        ratio = {}
        for use_bn in (False, True):
            grads = torch_net("relu", scale, use_bn, 256, 256, 20)[1]
            ratio[use_bn] = rms(grads[1]) / rms(grads[20])
        assert f"α = {scale} " in line
        assert line.endswith(f"无 BN {ratio[False]:.1e}  有 BN {ratio[True]:.1f}")
    for line, (gamma, beta) in zip(lines[6:9], ((1, 0), (5, 0), (1, 3)), strict=True):
        slope = expectation(lambda u: (1 - np.tanh(u) ** 2) ** 2, gamma, beta)
        assert line.startswith(f"u ~ N({beta}, {gamma}²)") and line.endswith(f"= {slope:.3f}")
    for line, gamma in zip(lines[9:12], (0.5, 1, 3), strict=True):
        assert f"γ = {gamma} " in line
        assert line.endswith(f"χ = {reference_gain('tanh', gamma, 0.0):.3f}")
    assert lines[12] == "批大小 2 时 ∂L/∂z 全为零  True"
