"""方差比与「枚举全部掩码」的定义比较；逐层的训练态与推理态同 PyTorch 比较。"""

import itertools
import math
import re
import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet, snippet_path
from scipy.integrate import quad
from torch import nn

bn = load_snippet(__file__)
TINY = 1e-300


def enumerated_ratio(a, w, keep):
    """对全部 2^D 个掩码与全部样本求 Var_train（按概率加权），再除 Var_test。"""
    first, second = 0.0, 0.0
    for mask in itertools.product([0.0, 1.0], repeat=a.shape[1]):
        kept = sum(mask)
        weight = keep**kept * (1 - keep) ** (len(mask) - kept)
        z = (a * np.array(mask) / keep) @ w
        first, second = first + weight * z.mean(axis=0), second + weight * (z**2).mean(axis=0)
    z = a @ w
    return ((z - z.mean(axis=0)) ** 2).mean(axis=0) / (second - first**2)


def gaussian_moment(f):
    def density(t):
        return f(t) * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)

    return quad(density, -12, 0, epsabs=1e-13)[0] + quad(density, 0, 12, epsabs=1e-13)[0]


def torch_forward(a, weights, keep=1.0, stats=None, rng=None):
    a, variances, used = torch.tensor(a), [], []
    for k, w in enumerate(weights):
        if stats is None and keep < 1:
            a = a * torch.tensor(rng.random(tuple(a.shape)) < keep) / keep
        z = a @ torch.tensor(w)
        var, mean = torch.var_mean(z, dim=0, unbiased=False)
        if stats is not None:
            mean, var = (torch.tensor(s) for s in stats[k])
        z_hat = F.batch_norm(z, mean, var, training=False, eps=TINY)
        variances.append(z_hat.var(0, unbiased=False).mean().item())
        used.append((mean.numpy(), var.numpy()))
        a = torch.relu(z_hat)
    return variances, used


def random_net(layers=8):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(layers, 128, 128)) / math.sqrt(128)
    rng.normal(size=(2000, 1))  # 公共因子的系数为零，但仍占用随机数
    return rng.normal(size=(2000, 128)).clip(0), weights, rng


def reference_inference(keep):
    a, weights, rng = random_net()
    stats = torch_forward(a, weights, keep, rng=rng)[1]
    return torch_forward(a, weights, stats=stats)[0]


def reference_first_layer(keep, a, weights, rng):
    (_, var), *_ = torch_forward(a, weights, keep, rng=rng)[1]
    return np.mean((a @ weights[0]).var(axis=0) / var)


@pytest.mark.parametrize(("shape", "keep"), [((5, 3), 0.5), ((40, 7), 0.9), ((6, 2), 1.0)])
def test_dropout(shape, keep):
    a = np.random.default_rng(1).normal(size=shape)
    draws = np.random.default_rng(2).random(shape)
    expected = [
        [v / keep if u < keep else 0 for v, u in zip(*r, strict=True)]
        for r in zip(a, draws, strict=True)
    ]
    np.testing.assert_allclose(bn.dropout(a, keep, np.random.default_rng(2)), expected, rtol=1e-12)


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.9])
def test_noise_variances(keep):
    """m/p 与 1 + U(-c, c) 的均值都是 1，方差按定义求。"""
    values = np.array([0, 1 / keep])
    probs = np.array([1 - keep, keep])
    assert probs @ values == pytest.approx(1)
    assert bn.bernoulli_noise(keep) == pytest.approx(probs @ (values - 1) ** 2, rel=1e-12)
    variance = quad(lambda u: u * u / (2 * keep), -keep, keep)[0]
    assert bn.uniform_noise(keep) == pytest.approx(variance, rel=1e-10)


@pytest.mark.parametrize(
    ("n", "d", "out", "keep"), [(6, 4, 3, 0.5), (9, 7, 1, 0.8), (3, 1, 2, 0.3)]
)
def test_shift_ratio_equals_enumeration(n, d, out, keep):
    rng = np.random.default_rng(d)
    a, w = rng.normal(0.7, 1.5, size=(n, d)), rng.normal(size=(d, out))
    mine = bn.shift_ratio(a, w, bn.bernoulli_noise(keep))
    np.testing.assert_allclose(mine, enumerated_ratio(a, w, keep), rtol=1e-10)
    assert (mine < 1).all()


def test_zero_mean_feature_gives_keep():
    """dropout 直接接 BN、特征零均值时 ρ = p；均值非零时更小。"""
    a = np.array([[-1.0], [1.0]])
    for keep in (0.3, 0.5, 0.9):
        r = bn.bernoulli_noise(keep)
        np.testing.assert_allclose(bn.shift_ratio(a, np.eye(1), r), keep, rtol=1e-12)
        assert bn.shift_ratio(a + 2, np.eye(1), r)[0] < keep


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.8, 1.0])
def test_relu_shift(keep):
    mean = gaussian_moment(lambda t: max(t, 0.0))
    second = gaussian_moment(lambda t: max(t, 0.0) ** 2)
    v = second - mean**2
    expected = v / (v + (1 / keep - 1) * second)
    assert bn.relu_shift(keep) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d", "layers", "keep"), [(30, 5, 3, 0.5), (12, 4, 1, 0.8)])
def test_forward_matches_torch(n, d, layers, keep):
    rng = np.random.default_rng(n)
    a, weights = rng.normal(1, 1, size=(n, d)), rng.normal(size=(layers, d, d))
    mine, used = bn.forward(a, weights, keep, rng=np.random.default_rng(5))
    expected, stats = torch_forward(a, weights, keep, rng=np.random.default_rng(5))
    np.testing.assert_allclose(mine, expected, rtol=1e-9)
    np.testing.assert_allclose(mine, 1, rtol=1e-9)
    for (mu, sigma), (mean, var) in zip(used, stats, strict=True):
        np.testing.assert_allclose(mu, mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(sigma**2, var, rtol=1e-9)
    test = bn.forward(a, weights, keep, stats=used)[0]
    np.testing.assert_allclose(test, torch_forward(a, weights, stats=stats)[0], rtol=1e-8)
    np.testing.assert_allclose(bn.forward(a, weights)[0], 1, rtol=1e-9)


def test_recalibration_restores_unit_variance():
    a, weights, rng = bn.deep_net(4, 200, 16)
    dropped = bn.forward(a, weights, 0.5, rng=rng)[1]
    clean = bn.forward(a, weights)[1]
    assert bn.forward(a, weights, stats=dropped)[0][-1] < 0.3
    np.testing.assert_allclose(bn.forward(a, weights, stats=clean)[0], 1, rtol=1e-9)


def eval_variance(*layers):
    """按给定次序搭 PyTorch 网络，训练态跑一遍攒统计，推理态量最后一个 BN 输出的方差。"""
    torch.manual_seed(0)
    net = nn.Sequential(*(layer() for layer in layers)).double()
    x = torch.randn(4000, 64, dtype=torch.float64)
    net.train()(x)
    last = max(k for k, m in enumerate(net) if isinstance(m, nn.BatchNorm1d))
    with torch.no_grad():
        return net.eval()[: last + 1](x).var(0, unbiased=False).mean().item()


def block():
    return [
        lambda: nn.Linear(64, 64, bias=False),
        lambda: nn.BatchNorm1d(64, momentum=1.0),
        nn.ReLU,
    ]


def test_dropout_before_any_later_bn_shifts_it():
    """dropout 放在本块的 BN 之后，仍在下一块的 BN 之前；只有放在最后一个 BN 之后才没有偏移。"""

    def drop():
        return nn.Dropout(0.5)

    assert eval_variance(*block(), drop, *block()) == pytest.approx(bn.relu_shift(0.5), rel=0.05)
    assert eval_variance(*block(), *block(), drop) == pytest.approx(1, rel=1e-3)


def test_layer_norm_has_no_running_statistics():
    torch.manual_seed(0)
    a = torch.relu(torch.randn(500, 64, dtype=torch.float64))
    norm, drop = nn.LayerNorm(64, elementwise_affine=False), nn.Dropout(0.5)
    for features in (drop.train()(a), drop.eval()(a)):
        assert norm(features).var(1, unbiased=False).mean().item() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(("n", "d", "rho"), [(7, 3, 0.0), (5, 4, 0.2), (6, 2, 1.0)])
def test_features(n, d, rho):
    rng = np.random.default_rng(3)
    common, own = rng.normal(size=n), rng.normal(size=(n, d))
    expected = [
        [max(math.sqrt(rho) * common[i] + math.sqrt(1 - rho) * own[i, j], 0) for j in range(d)]
        for i in range(n)
    ]
    np.testing.assert_allclose(bn.features(n, d, rho, np.random.default_rng(3)), expected)


def test_wide_aligned_features_shift_less():
    """同号权重、正相关特征：v 随 D² 增长，噪声项只随 D 增长。"""
    ratios = []
    for d in (8, 64, 512):
        a = bn.features(3000, d, 0.3, np.random.default_rng(4))
        ratios.append(bn.shift_ratio(a, np.ones((d, 1)), 1.0)[0])
    assert ratios[0] < ratios[1] < ratios[2]
    assert ratios[2] > 0.95


def test_deep_net_and_inference_variances():
    a, weights, rng = bn.deep_net()
    expected_a, expected_weights, expected_rng = random_net()
    np.testing.assert_allclose(a, expected_a, rtol=1e-12)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-12)
    assert rng.random() == expected_rng.random()
    for keep in (0.5, 0.9):
        mine = bn.inference_variances(keep)
        np.testing.assert_allclose(mine, reference_inference(keep), rtol=1e-7)
        delta = bn.relu_shift(keep)
        np.testing.assert_allclose(mine[:2], [delta, delta**2], rtol=0.03)


# 等价变异：sigma = forward(a, weights, keep, rng=rng)[1][-1][1]：只有一层
def test_figure():
    left, right = bn.figure().axes
    theory, measured, diagonal = left.lines
    keeps = np.array([0.3 + 0.05 * k for k in range(15)])
    np.testing.assert_allclose(theory.get_xdata(), keeps)
    np.testing.assert_allclose(measured.get_xdata(), keeps)
    np.testing.assert_allclose(diagonal.get_xydata(), np.stack([keeps, keeps], axis=1))
    v = (np.pi - 1) / np.pi
    np.testing.assert_allclose(theory.get_ydata(), v / (v + 1 / keeps - 1))
    a, weights, rng = random_net(1)
    expected = [reference_first_layer(keep, a, weights, rng) for keep in theory.get_xdata()]
    np.testing.assert_allclose(measured.get_ydata(), expected, rtol=1e-7)
    for line, keep in zip(right.lines, (0.9, 0.8, 0.5), strict=True):
        assert line.get_label() == f"$p$ = {keep}"
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 9))
        np.testing.assert_allclose(line.get_ydata(), reference_inference(keep), rtol=1e-7)
    assert left.get_ylim() == right.get_ylim() == (0, 1.05)
    assert tuple(left.figure.get_size_inches()) == (6.4, 3.2)


def test_demo(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    v = (np.pi - 1) / np.pi
    for line, deep_line, keep in zip(lines[:6:2], lines[1:6:2], (0.5, 0.8, 0.9), strict=True):
        measured = reference_first_layer(keep, *random_net(1))
        expected = [str(keep), f"{v / (v + 1 / keep - 1):.3f}", f"{measured:.3f}"]
        assert re.findall(r"\d+\.\d+", line) == expected
        deep = reference_inference(keep)
        assert re.findall(r"\d+\.\d+", deep_line) == [f"{deep[k]:.3f}" for k in (0, 1, 7)]
    assert lines[6] == "重估统计量之后第 8 层的方差 1.000"
    for line, d in zip(lines[7:10], (8, 64, 512), strict=True):
        rng = np.random.default_rng(1)
        common, own = rng.normal(size=(4000, 1)), rng.normal(size=(4000, d))
        a = (common * 0.2**0.5 + own * 0.8**0.5).clip(0)
        v_sum = a.sum(axis=1).var()
        assert f"D = {d} " in line
        assert line.endswith(f"ρ = {v_sum / (v_sum + (a**2).mean(axis=0).sum()):.2f}")
    a, weights, _ = random_net(1)
    v = (a @ weights[0]).var(axis=0)
    ratio = v / (v + 0.01 / 3 * ((a**2).mean(axis=0) @ weights[0] ** 2))
    assert lines[10].endswith(f"ρ = {ratio.mean():.3f}")
