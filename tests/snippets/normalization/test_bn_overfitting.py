"""噪声的一阶方差与 autograd 的 δ 方法比较，蒙特卡洛与精确分布比较，训练与 PyTorch 比较。"""

import functools
import math
import re
import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet, snippet_path
from scipy.stats import chi, chi2

bn = load_snippet(__file__)
SIZES = [4, 8, 16, 32, 64, 128, 256]


def batch_norm(z):
    var, mean = torch.var_mean(z, dim=0, unbiased=False)
    return (z - mean) / var.sqrt()


def reference_noise(x, n, trials, rng):
    others = torch.tensor(rng.normal(size=(n - 1, trials)))
    batch = torch.vstack([torch.full((1, trials), x, dtype=torch.float64), others])
    return batch_norm(batch)[0].var(unbiased=False).item()


def exact_noise(x, n):
    """其余 n-1 个高斯样本的均值 ~ N(0, 1/(n-1))，平方和 ~ χ²(n-2)，对二者求积。"""
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    m = x - node[:, None] / math.sqrt(n - 1)
    s = chi2.ppf((np.arange(4000) + 0.5) / 4000, n - 2)
    x_hat = (n - 1) / n * m / np.sqrt((s + (n - 1) / n * m**2) / n)
    first, second = (weight @ (x_hat**k).mean(axis=1) / weight.sum() for k in (1, 2))
    return second - first**2


def reference_gamma(rho, n, trials, rng):
    x, e = rng.normal(size=(2, n, trials))
    x_hat = batch_norm(torch.tensor(x)).numpy()
    t = rho * x + math.sqrt(1 - rho**2) * e
    return np.linalg.lstsq(x_hat.reshape(-1, 1), t.ravel(), rcond=None)[0][0] / rho


@pytest.mark.parametrize(("skew", "kurt"), [(0.0, 3.0), (2.0, 9.0), (-0.5, 1.8)])
@pytest.mark.parametrize("x", [-1.5, 0.0, 0.7, 2.0])
def test_noise_theory_is_the_delta_method(skew, kurt, x):
    moments = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    x_hat = (x - moments[0]) / (moments[1] - moments[0] ** 2).sqrt()
    (grad,) = torch.autograd.grad(x_hat, moments)
    cov = torch.tensor([[1.0, skew], [skew, kurt - 1]], dtype=torch.float64)
    expected = (grad @ cov @ grad).item() / 16
    assert bn.noise_theory(x, 16, skew, kurt) == pytest.approx(expected, rel=1e-12)
    gaussian = bn.noise_theory(x, 16)
    assert gaussian == pytest.approx((1 + x * x / 2) / 16, rel=1e-12)


@pytest.mark.parametrize(("x", "n", "trials"), [(0.0, 4, 50), (2.0, 9, 31), (-1.0, 2, 7)])
def test_noise_measured(x, n, trials):
    mine = bn.noise_measured(x, n, trials, np.random.default_rng(n))
    expected = reference_noise(x, n, trials, np.random.default_rng(n))
    assert mine == pytest.approx(expected, rel=1e-9, abs=1e-25)


@pytest.mark.parametrize("x", [0.0, 2.0])
def test_noise_agrees_with_exact_law(x):
    measured = bn.noise_measured(x, 16, 40000, np.random.default_rng(1))
    assert measured == pytest.approx(exact_noise(x, 16), rel=0.04)
    error = [abs(exact_noise(x, n) / bn.noise_theory(x, n) - 1) for n in (16, 128)]
    assert error[1] < error[0] / 4 and error[1] < 0.08


def test_normalize():
    x = np.random.default_rng(0).normal(3, 2, size=(9, 4))
    np.testing.assert_allclose(bn.normalize(x), batch_norm(torch.tensor(x)).numpy(), rtol=1e-10)


@pytest.mark.parametrize(("n", "positions", "rho"), [(3, 4, 0.3), (5, 1, 0.0), (2, 6, 1.0)])
def test_mean_variance(n, positions, rho):
    """按定义：1ᵀC1 / (NM)²，C 是分块的相关矩阵。"""
    block = np.full((positions, positions), rho) + (1 - rho) * np.eye(positions)
    cov = np.kron(np.eye(n), block)
    expected = cov.sum() / (n * positions) ** 2
    assert bn.mean_variance(n, positions, rho) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 8, 32, 501])
def test_shrinkage(n):
    assert bn.shrinkage(n) == pytest.approx(chi(n - 1).mean() / math.sqrt(n), rel=1e-9)
    if n > 30:
        assert 1 - bn.shrinkage(n) == pytest.approx(3 / (4 * n), rel=2 / n)


@pytest.mark.parametrize(("rho", "n", "trials"), [(0.8, 4, 30), (-0.3, 7, 11)])
def test_fitted_gamma(rho, n, trials):
    mine = bn.fitted_gamma(rho, n, trials, np.random.default_rng(n))
    assert mine == pytest.approx(
        reference_gamma(rho, n, trials, np.random.default_rng(n)), rel=1e-9
    )


def test_gamma_decay_is_an_l2_penalty():
    """最优 γ = ρ·c 等于加 (ζ/2)γ² 的解，ζ = 1/c - 1 ≈ 3/(4N)。"""
    for n in (32, 256):
        zeta = 1 / bn.shrinkage(n) - 1
        assert zeta == pytest.approx(3 / (4 * n), rel=4 / n)
        measured = bn.fitted_gamma(0.6, n, 400000 // n, np.random.default_rng(2))
        assert measured == pytest.approx(1 / (1 + zeta), abs=6e-3)


def torch_forward(w, b, v, x, group):
    z_hat = torch.cat([batch_norm(z) for z in (x @ w).split(group)])
    return torch.relu(z_hat + b) @ v


@pytest.mark.parametrize(
    ("n", "d", "width", "group"), [(12, 3, 5, 4), (10, 2, 1, 10), (8, 4, 3, 2)]
)
def test_grads(n, d, width, group):
    rng = np.random.default_rng(n)
    w, b, v = rng.normal(size=(d, width)), rng.normal(size=width), rng.normal(size=width)
    x, t = rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n)
    params = [torch.tensor(p, requires_grad=True) for p in (w, b, v)]
    f = torch_forward(*params, torch.tensor(x), group)
    F.softplus(-torch.tensor(t) * f).mean().backward()
    for mine, p in zip(bn.grads(w, b, v, x, t, group), params, strict=True):
        np.testing.assert_allclose(mine, p.grad.numpy(), rtol=1e-7, atol=1e-9)


@functools.cache
def torch_train(seed, group, steps=200, width=64, lr=1.0, n=128, d=20):
    x, t = labels(seed, n, d)
    rng = np.random.default_rng(0)
    w = rng.normal(size=(d, width)) / math.sqrt(d)
    v = rng.normal(size=width) / math.sqrt(width)
    params = [torch.tensor(p, requires_grad=True) for p in (w, np.zeros(width), v)]
    opt = torch.optim.SGD(params, lr=lr)
    for _ in range(steps):
        i = rng.permutation(n)
        opt.zero_grad()
        f = torch_forward(*params, torch.tensor(x[i]), group)
        F.softplus(-torch.tensor(t[i]) * f).mean().backward()
        opt.step()
    with torch.no_grad():
        f = torch_forward(*params, torch.tensor(x), n)
    return f.numpy() * t


def labels(seed, n=128, d=20):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("group", "steps", "width", "lr"), [(4, 9, 6, 0.5), (48, 15, 3, 2.0)])
def test_training_matches_torch(seed, group, steps, width, lr):
    x, t = labels(seed, 48, 5)
    expected = torch_train(seed, group, steps, width, lr, 48, 5)
    np.testing.assert_allclose(bn.train(x, t, group, steps, width, lr), expected, rtol=1e-6)


def test_bn_memorizes_random_labels():
    for group in (8, 128):
        margin = bn.train(*labels(5), group)
        np.testing.assert_allclose(margin, torch_train(5, group), rtol=1e-4, atol=1e-4)
        assert (margin > 0).all()


def test_inference_is_deterministic():
    """噪声只在训练态：推理用固定统计，输出与同批的别的样本无关。"""
    torch.manual_seed(0)
    layer = torch.nn.BatchNorm1d(3).double()
    x = torch.randn(8, 3, dtype=torch.float64)
    layer.train()
    assert not torch.equal(layer(x)[:4], layer(x[:4]))
    layer.eval()
    assert torch.equal(layer(x)[:4], layer(x[:4]))


def test_figure():
    left, right = bn.figure().axes
    rng = np.random.default_rng(0)
    for k, x in enumerate((0.0, 2.0)):
        dots, line = left.lines[2 * k : 2 * k + 2]
        measured = [reference_noise(x, n, 4000, rng) for n in SIZES]
        np.testing.assert_allclose(dots.get_ydata(), measured, rtol=1e-8)
        np.testing.assert_allclose(line.get_ydata(), [(1 + x * x / 2) / n for n in SIZES])
        assert f"= {x:.0f}," in dots.get_label()
    shrink = [1 - reference_gamma(0.8, n, 1600000 // n, rng) for n in SIZES[:5]]
    exact = [1 - chi(n - 1).mean() / math.sqrt(n) for n in SIZES[:5]]
    np.testing.assert_allclose(shrink, exact, rtol=0.15)
    expected = [shrink, exact, [0.75 / n for n in SIZES[:5]]]
    for line, values in zip(right.lines, expected, strict=True):
        np.testing.assert_allclose(line.get_ydata(), values, rtol=1e-6)
    for ax, sizes in ((left, SIZES), (right, SIZES[:5])):
        for line in ax.lines:
            np.testing.assert_array_equal(line.get_xdata(), sizes)
    assert right.get_xlim() == left.get_xlim() and right.get_ylim() == (0.002, 0.5)
    assert tuple(left.figure.get_size_inches()) == (6.4, 3.2)


def test_demo(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    rng = np.random.default_rng(0)
    for line, n in zip(lines[:3], (8, 32, 128), strict=True):
        expected = [f"{n * reference_noise(x, n, 40000, rng):.2f}" for x in (0.0, 1.0, 2.0)]
        assert line.startswith(f"N = {n} ") and re.findall(r"\d\.\d\d", line) == expected
    assert lines[3].split()[-3:] == ["1.00", "1.50", "3.00"]
    for line, n in zip(lines[4:7], (8, 32, 128), strict=True):
        measured = reference_gamma(0.8, n, 3200000 // n, rng)
        exact = chi(n - 1).mean() / math.sqrt(n)
        assert line.startswith(f"N = {n} ")
        assert re.findall(r"\d\.\d{3}", line) == [f"{exact:.3f}", f"{measured:.3f}"]
    positions = 56**2
    for line, rho in zip(lines[7:10], (0.0, 0.05, 1.0), strict=True):
        variance = (positions + positions * (positions - 1) * rho) * 32 / (32 * positions) ** 2
        assert f"相关 {rho}：" in line and line.endswith(f" {1 / variance:.0f}")
    for line, group in zip(lines[10:], (8, 32, 128), strict=True):
        assert line.split() == ["随机标签，统计批", f"{group}", "训练准确率", "1.00"]
