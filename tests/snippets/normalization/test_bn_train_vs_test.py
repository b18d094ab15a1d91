"""BN 训练态与推理态：与 PyTorch 的层、SciPy 的分布和直接定义比较。"""

import itertools
import runpy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from handbook.testing import load_snippet
from scipy.stats import chi2
from sklearn.metrics import accuracy_score

bn = load_snippet(__file__)


@pytest.mark.parametrize("scale", [2.0, 1e-3])
@pytest.mark.parametrize("eps", [None, 0.2])
def test_both_modes_match_torch(scale, eps):
    rng = np.random.default_rng(0)
    x = rng.normal(loc=1.0, scale=scale, size=9)
    column = torch.from_numpy(x)[:, None]
    kwargs = {} if eps is None else {"eps": eps}
    train = F.batch_norm(column, None, None, training=True, **kwargs)[:, 0]
    np.testing.assert_allclose(bn.train_mode(x, **kwargs), train, rtol=1e-8)
    stats = torch.tensor([[0.5], [0.7 * scale**2]], dtype=torch.float64)
    evaluated = F.batch_norm(column, *stats, training=False, **kwargs)[:, 0]
    ours = bn.standardize(x, 0.5, 0.7 * scale**2, **kwargs)
    np.testing.assert_allclose(ours, evaluated, rtol=1e-9)


@pytest.mark.parametrize("training,track", list(itertools.product([True, False], repeat=2)))
def test_which_statistics_pytorch_uses(training, track):
    layer = torch.nn.BatchNorm1d(2, track_running_stats=track).train(training)
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)) + 5
    uses_batch = bool(layer(x).mean(dim=0).abs().max() < 1e-4)  # 初始滑动均值是 0，不是 5
    assert bn.pytorch_uses_batch_stats(training, track) is uses_batch
    if track:
        assert bn.pytorch_uses_batch_stats(training) is uses_batch


@pytest.mark.parametrize(
    "phase,written,expected",
    [
        ("TRAIN", None, False),
        ("TEST", None, True),
        ("TRAIN", True, True),
        ("TRAIN", False, False),
        ("TEST", True, True),
        ("TEST", False, False),
    ],
)
def test_caffe_flag_is_false_in_training(phase, written, expected):
    assert bn.caffe_uses_global_stats(phase, written) is expected
    if written is None:
        assert bn.caffe_uses_global_stats(phase) is expected


@pytest.mark.parametrize("momentum", [None, 0.3])
def test_pytorch_running_mean(momentum):
    values = np.random.default_rng(1).normal(size=12)
    kwargs = {} if momentum is None else {"momentum": momentum}
    layer = torch.nn.BatchNorm1d(1, dtype=torch.float64, **kwargs)
    for value in values:
        layer(torch.tensor([[value - 1], [value + 1]]))  # 批均值恰为 value
    ours = bn.pytorch_running(values, 0.0, **kwargs)
    assert ours == pytest.approx(layer.running_mean.item(), rel=1e-12)
    decay = (1 - layer.momentum) ** 12
    assert bn.pytorch_running(values, 4.0, **kwargs) - ours == pytest.approx(4 * decay, rel=1e-9)


@pytest.mark.parametrize("fraction", [None, 0.8])
def test_caffe_running_is_a_weighted_average(fraction):
    values = np.random.default_rng(2).normal(size=15)
    kwargs = {} if fraction is None else {"fraction": fraction}
    weights = (0.999 if fraction is None else fraction) ** np.arange(14, -1, -1)
    expected = np.average(values, weights=weights)
    assert bn.caffe_running(values, **kwargs) == pytest.approx(expected, rel=1e-12)
    assert bn.caffe_running([3.5], **kwargs) == pytest.approx(3.5, rel=1e-12)  # 没有初值偏差


@pytest.mark.parametrize("shape", [(5, 8), (3, 2), (40, 4)])
def test_precise_statistics_are_those_of_all_data(shape):
    rng = np.random.default_rng(3)
    x = rng.normal(size=shape) + 4 * rng.normal(size=(shape[0], 1))  # 各批的均值不同
    mean, var = bn.precise_stats(x.mean(axis=1), x.var(axis=1))
    everything = torch.from_numpy(x).flatten()
    assert mean == pytest.approx(everything.mean().item(), rel=1e-12)
    assert var == pytest.approx(everything.var(correction=0).item(), rel=1e-12)
    assert var > x.var(axis=1).mean() + 1  # 只平均批内方差会漏掉批间的一项


@pytest.mark.parametrize("m", [2, 5, 64])
def test_noise_formula_matches_chi_square(m):
    of_mean, of_var = bn.relative_noise(m)
    assert of_mean == pytest.approx(m**-0.5, rel=1e-12)
    assert of_var == pytest.approx(chi2(m - 1).std() / m, rel=1e-12)  # m·σ_B²/σ² 服从 χ²(m-1)


def test_measured_noise_is_the_spread_over_batches():
    batches = torch.from_numpy(np.random.default_rng(4).normal(size=(50, 6)))
    expected = batches.mean(dim=1), batches.var(dim=1, correction=0)
    ours = bn.measured_noise(6, np.random.default_rng(4), trials=50)
    np.testing.assert_allclose(ours, [v.std(correction=0) for v in expected], rtol=1e-12)


def test_batch_of_one_erases_the_input():
    for value in (7.0, -300.0):
        assert bn.train_mode(np.array([value])).tolist() == [0.0]
        expected = F.batch_norm(torch.tensor([[value]]), torch.zeros(1), torch.ones(1), eps=1e-5)
        ours = bn.standardize(np.array([value]), 0.0, 1.0)
        assert ours[0] == pytest.approx(expected.item(), rel=1e-6)


def test_batch_of_two_keeps_only_the_order():
    rng = np.random.default_rng(5)
    for a, b in rng.normal(scale=50, size=(20, 2)):
        expected = [np.sign(a - b), np.sign(b - a)]
        np.testing.assert_allclose(bn.train_mode(np.array([a, b]), eps=0.0), expected, rtol=1e-9)


def test_sorted_test_batches_lose_the_class_mean():
    rng = np.random.default_rng(6)
    label = np.repeat([[1], [-1]], 40, axis=1)
    x = 3 * label + rng.uniform(-1, 1, size=(2, 40))
    by_batch = F.batch_norm(torch.from_numpy(x.T), None, None, training=True).numpy().T
    np.testing.assert_allclose([bn.train_mode(row) for row in x], by_batch, rtol=1e-9)
    expected = accuracy_score(label.ravel(), np.sign(by_batch).ravel())
    assert bn.sign_accuracy(by_batch, label) == pytest.approx(expected)
    assert expected < 0.7
    mean, var = bn.precise_stats(x.mean(axis=1), x.var(axis=1))
    assert bn.sign_accuracy(bn.standardize(x, mean, var), label) == 1.0


def test_no_grad_does_not_switch_to_running_statistics():
    layer = torch.nn.BatchNorm1d(1, dtype=torch.float64)
    x = np.array([4.0, 5.0, 9.0])
    with torch.no_grad():
        out = layer(torch.from_numpy(x)[:, None])[:, 0].numpy()
    np.testing.assert_allclose(out, bn.train_mode(x), rtol=1e-9)
    assert layer.running_mean.item() == pytest.approx(bn.pytorch_running([6.0], 0.0), rel=1e-9)


def test_frozen_parameters_do_not_freeze_the_statistics():
    layer = torch.nn.BatchNorm1d(1, dtype=torch.float64).requires_grad_(False)
    layer(torch.tensor([[4.0], [5.0], [9.0]], dtype=torch.float64))
    assert layer.running_mean.item() == pytest.approx(bn.pytorch_running([6.0], 0.0), rel=1e-9)
    layer.eval()
    layer(torch.tensor([[40.0], [50.0], [90.0]], dtype=torch.float64))
    assert layer.running_mean.item() == pytest.approx(bn.pytorch_running([6.0], 0.0), rel=1e-9)


def test_demo_prints_what_the_references_give(capsys):
    runpy.run_path(bn.__file__, run_name="__main__")
    out = capsys.readouterr().out
    assert "m=1：[0.]" in out and "m=2：[-1.  1.]" in out
    assert "批统计的准确率   0.50" in out and "全局统计的准确率 1.00" in out
    within = np.linspace(-1, 1, 50).var()
    assert f"全局方差 {within + 9:.3f} = 批内 {within:.3f} + 批间 9.000" in out
    assert f"PyTorch {5 * (1 - 0.9**20):.4f}，Caffe 5.0000" in out
    for m in (2, 32, 1024):
        assert f"噪声 {m**-0.5:.3f}，σ_B² 的相对噪声 {chi2(m - 1).std() / m:.3f}" in out


def test_figure_points_follow_the_formula():
    (ax,) = bn.figure().axes
    lines = ax.get_lines()
    sizes = np.array([2, 4, 8, 16, 32, 64, 128, 256, 512])
    theory = [sizes**-0.5, chi2(sizes - 1).std() / sizes]
    for line, points, expected in zip(lines[::2], lines[1::2], theory, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), sizes)
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
        np.testing.assert_allclose(points.get_ydata(), expected, rtol=0.06)
        assert (points.get_ydata() != expected).all()
