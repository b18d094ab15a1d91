"""跨卡同步 BN 的片段：各卡合并的结果与 torch.nn.BatchNorm 在整个大批上的前向、自动求导比较。"""

import runpy
from fractions import Fraction

import numpy as np
import pytest
import torch
from handbook.testing import load_snippet, snippet_path

sync = load_snippet(__file__)
SIZES = [(8,), (5, 3, 1), (1, 1, 7), (4, 4), (2, 9, 3, 6)]


def make_shards(sizes, channels=4, seed=0):
    """各卡的均值与尺度都不同，卡间差异不可忽略。"""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(rng.uniform(-5, 5, channels), rng.uniform(0.5, 3, channels), (n, channels))
        for n in sizes
    ]


def torch_batch_norm(shards, gamma, beta, eps=1e-5):
    """单卡大批：返回输入、层与输出，供自动求导。"""
    x = torch.from_numpy(np.concatenate(shards)).requires_grad_()
    layer = torch.nn.BatchNorm1d(x.shape[1], eps=eps).double()
    layer.weight.data, layer.bias.data = torch.from_numpy(gamma), torch.from_numpy(beta)
    return x, layer, layer(x)


@pytest.mark.parametrize("sizes", SIZES)
def test_both_merges_equal_the_whole_batch(sizes):
    shards = make_shards(sizes)
    var, mean = torch.var_mean(torch.from_numpy(np.concatenate(shards)), dim=0, correction=0)
    total = sync.all_reduce([sync.local_sums(x) for x in shards])
    for n, mu, sigma2 in (sync.stats_from_sums(total), sync.sync_stats(shards)):
        assert n == sum(sizes)
        np.testing.assert_allclose(mu, mean, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(sigma2, var, rtol=1e-10)


def test_merge_by_exact_arithmetic():
    a, b = [Fraction(3), Fraction(8), Fraction(-2)], [Fraction(10), Fraction(5)]

    def moments(values):
        mean = sum(values) / len(values)
        return len(values), mean, sum((v - mean) ** 2 for v in values)

    merged = sync.merge(moments([float(v) for v in a]), moments([float(v) for v in b]))
    assert merged == pytest.approx([float(v) for v in moments(a + b)], rel=1e-14)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("kwargs", [{}, {"eps": 0.3}])
def test_forward_matches_single_device_batch_norm(sizes, kwargs):
    shards = make_shards(sizes)
    rng = np.random.default_rng(1)
    gamma, beta = rng.normal(size=4), rng.normal(size=4)
    ys, _ = sync.forward(shards, gamma, beta, **kwargs)
    _, _, reference = torch_batch_norm(shards, gamma, beta, **kwargs)
    assert [len(y) for y in ys] == list(sizes)
    np.testing.assert_allclose(np.concatenate(ys), reference.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("channels", [1, 6])
def test_backward_matches_autograd(sizes, channels):
    shards = make_shards(sizes, channels)
    rng = np.random.default_rng(2)
    gamma, beta = rng.normal(size=channels), rng.normal(size=channels)
    dys = [rng.normal(size=x.shape) for x in shards]
    _, cache = sync.forward(shards, gamma, beta)
    dxs, dgamma, dbeta = sync.backward(dys, cache)

    x, layer, y = torch_batch_norm(shards, gamma, beta)
    y.backward(torch.from_numpy(np.concatenate(dys)))
    np.testing.assert_allclose(np.concatenate(dxs), x.grad, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(dgamma, layer.weight.grad, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(dbeta, layer.bias.grad, rtol=1e-9, atol=1e-11)


def test_images_of_unequal_shards_match_batch_norm_2d():
    rng = np.random.default_rng(3)
    x, dy = rng.normal(2, 3, (7, 3, 4, 5)), rng.normal(size=(7, 3, 4, 5))
    gamma, beta = rng.normal(size=3), rng.normal(size=3)

    def rows(images):
        return images.transpose(0, 2, 3, 1).reshape(-1, 3)

    split = [slice(0, 4), slice(4, 5), slice(5, 7)]
    ys, cache = sync.forward([rows(x[part]) for part in split], gamma, beta)
    dxs, dgamma, _ = sync.backward([rows(dy[part]) for part in split], cache)

    layer = torch.nn.BatchNorm2d(3).double()
    layer.weight.data, layer.bias.data = torch.from_numpy(gamma), torch.from_numpy(beta)
    tensor = torch.from_numpy(x).requires_grad_()
    y = layer(tensor)
    y.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(np.concatenate(ys), rows(y.detach().numpy()), atol=1e-10)
    np.testing.assert_allclose(np.concatenate(dxs), rows(tensor.grad.numpy()), atol=1e-10)
    np.testing.assert_allclose(dgamma, layer.weight.grad, rtol=1e-9)


def test_averaging_local_variances_misses_the_spread_between_cards():
    sizes = (5, 3, 1)
    shards = make_shards(sizes)
    weight = np.array(sizes)[:, None] / sum(sizes)
    within = (weight * [x.var(axis=0) for x in shards]).sum(axis=0)
    means = np.array([x.mean(axis=0) for x in shards])
    _, mean, var = sync.sync_stats(shards)
    between = (weight * (means - mean) ** 2).sum(axis=0)
    assert (between > 0.1).all()
    np.testing.assert_allclose(var, within + between, rtol=1e-10)


def test_averaging_local_means_needs_the_counts():
    shards = make_shards((5, 3, 1))
    plain = np.mean([x.mean(axis=0) for x in shards], axis=0)
    weighted = np.average([x.mean(axis=0) for x in shards], axis=0, weights=[5, 3, 1])
    mean = sync.sync_stats(shards)[1]
    np.testing.assert_allclose(mean, weighted, rtol=1e-10)
    assert (np.abs(mean - plain) > 0.1).any()


def test_backward_needs_the_second_synchronisation():
    shards = make_shards((5, 3))
    rng = np.random.default_rng(4)
    gamma = np.ones(4)
    dys = [rng.normal(size=x.shape) for x in shards]
    _, (x_hats, _, rstd, _) = sync.forward(shards, gamma, gamma)
    x, _, y = torch_batch_norm(shards, gamma, gamma)
    y.backward(torch.from_numpy(np.concatenate(dys)))
    for local_only in (False, True):  # 统计量当常数；只用本卡的两个和
        dxs = [
            rstd * (dy - local_only * (dy.mean(axis=0) + x_hat * (dy * x_hat).mean(axis=0)))
            for dy, x_hat in zip(dys, x_hats, strict=True)
        ]
        assert np.abs(np.concatenate(dxs) - x.grad.numpy()).max() > 0.01


def test_local_mean_losses_need_weights_on_unequal_cards():
    sizes = (5, 1)
    shards, gamma, beta = make_shards(sizes), np.full(4, 1.5), np.full(4, 0.2)
    ys, cache = sync.forward(shards, gamma, beta)

    def ddp_gamma_grad(weights):
        """每张卡的损失是本卡 (y⁴ 之和) 的均值乘权重；DDP 把各卡的参数梯度取平均。"""
        dys = [w * 4 * y**3 / len(y) for w, y in zip(weights, ys, strict=True)]
        return sync.backward(dys, cache)[1] / len(sizes)

    _, layer, y = torch_batch_norm(shards, gamma, beta)
    (y**4).sum(dim=1).mean().backward()
    exact = layer.weight.grad.numpy()
    balanced = [len(sizes) * n / sum(sizes) for n in sizes]
    np.testing.assert_allclose(ddp_gamma_grad(balanced), exact, rtol=1e-9)
    assert (np.abs(ddp_gamma_grad([1, 1]) / exact - 1) > 0.05).all()


def test_two_samples_keep_only_their_order():
    rng = np.random.default_rng(5)
    pair = 100 * rng.normal(size=(2, 50))
    (alone,), _ = sync.forward([pair], np.ones(50), np.zeros(50))
    np.testing.assert_allclose(alone, np.sign(pair - pair[::-1]), atol=1e-3)
    (together, _), _ = sync.forward([pair, 100 * rng.normal(size=(6, 50))], 1.0, 0.0)
    assert np.abs(together - alone).mean() > 0.2


def loop_errors(offset):
    """variance_errors 的逐行重写：float32 里逐行累加，再与 float64 的方差比。"""
    rng = np.random.default_rng(0)
    shards = [(offset + rng.normal(size=(n, 64))).astype(np.float32) for n in (40, 7, 16, 1)]
    exact = torch.from_numpy(np.concatenate(shards)).double().var(dim=0, correction=0).numpy()

    def row_sum(rows):
        total = np.zeros(64, np.float32)
        for row in rows:
            total = total + row
        return total

    n = np.float32(64)
    mean = row_sum([row_sum(x) for x in shards]) / n
    naive = row_sum([row_sum(x * x) for x in shards]) / n - mean * mean
    count, mu, m = 0, np.zeros(64, np.float32), np.zeros(64, np.float32)
    for x in shards:
        mu_k = row_sum(x) / np.float32(len(x))
        delta = mu_k - mu if count else mu_k * 0
        m = m + row_sum((x - mu_k) ** 2) + delta**2 * np.float32(count * len(x) / (count + len(x)))
        mu = mu + delta * np.float32(len(x) / (count + len(x))) if count else mu_k
        count += len(x)
    return [np.abs(naive / exact - 1).max(), np.abs(m / n / exact - 1).max()]


@pytest.mark.parametrize("offset", [1.0, 100.0, 1000.0])
def test_variance_errors_match_the_loop(offset):
    np.testing.assert_allclose(sync.variance_errors(offset), loop_errors(offset), rtol=1e-3)


def test_sum_of_squares_cancels_in_float32():
    shards = [np.float32([[10000], [10001]]), np.float32([[10002]])]
    total = sync.all_reduce([sync.local_sums(x) for x in shards])
    assert total.dtype == np.float32
    assert sync.stats_from_sums(total)[2][0] == 0  # 真值是 2/3
    var = sync.sync_stats(shards)[2]
    assert var.dtype == np.float32
    assert var[0] == pytest.approx(2 / 3, rel=1e-6)


def test_resnet50_channels_reproduce_its_parameter_count():
    channels = sync.resnet50_bn_channels()
    convolutions, inputs = 3 * 64 * 7 * 7, 64
    expected = [64]
    for blocks, width in ((3, 64), (4, 128), (6, 256), (3, 512)):
        convolutions += inputs * 4 * width  # 下采样支路的 1×1
        for _ in range(blocks):
            convolutions += inputs * width + width * width * 9 + width * 4 * width
            inputs = 4 * width
            expected += [width, width, 4 * width]
        expected += [4 * width]
    total = convolutions + 2 * sum(channels) + 2048 * 1000 + 1000
    assert total == 25_557_032  # torchvision 文档所载的 resnet50 参数量
    assert channels == expected


def test_figure_plots_both_errors():
    fig = sync.figure()
    (ax,) = fig.axes
    assert fig.get_size_inches().tolist() == [6.4, 3.2]
    naive, merged, one = ax.lines
    offsets = [1, 10**0.5, 10, 10**1.5, 100, 10**2.5, 1000, 10**3.5, 10000]
    errors = np.array([loop_errors(offset) for offset in offsets])
    for line, column in ((naive, 0), (merged, 1)):
        np.testing.assert_allclose(line.get_xdata(), offsets, rtol=1e-12)
        np.testing.assert_allclose(line.get_ydata(), errors[:, column], rtol=1e-3)
    assert list(one.get_ydata()) == [1, 1]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    slope = [np.polyfit(np.log(offsets), np.log(errors[:, j]), 1)[0] for j in (0, 1)]
    assert slope[0] == pytest.approx(2, abs=0.15)  # 页面：平方增长与一次方增长
    assert slope[1] == pytest.approx(1, abs=0.25)


def test_demo_prints_the_numbers_of_the_page(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    out = capsys.readouterr().out
    whole = torch.tensor([0.0, 2.0, 10.0, 12.0], dtype=torch.float64)
    assert f"两卡各自的方差 1 与 1，合并后 {whole.var(correction=0):.0f}" in out
    assert "不同步时输出 [-1.  1.]" in out
    assert "三卡与单卡相同：前向 True，dx True，dγ True" in out
    assert "Σdx = 0：所有卡合起来 True，单独一张卡 False" in out
    assert "Σx² 法的方差 0.0000，合并法 0.6667，真值 0.6667" in out
    for offset in (100, 1000):
        naive, merged = loop_errors(float(offset))
        assert f"|μ|/σ = {offset}：相对误差 {naive:.0e} 与 {merged:.0e}" in out
    # 每层前向 2C+1、反向 2C；BN 的参数 2C 个，共 53120 个
    floats = 2 * 53120 + 53
    assert f"ResNet-50：53 个 BN 层，每步 106 次集合通信，{floats} 个 float32" in out
    assert f"= {4 * floats / 1024:.0f} KiB" in out
    assert "N = 2：批均值的标准差 0.71σ，有偏方差的期望 0.50σ²" in out
    assert "N = 16：批均值的标准差 0.25σ，有偏方差的期望 0.94σ²" in out


@pytest.mark.parametrize("n", [2, 16])
def test_noise_of_batch_statistics(n):
    samples = np.random.default_rng(6).normal(size=(200_000, n))
    assert samples.mean(axis=1).std() == pytest.approx(1 / np.sqrt(n), rel=0.01)
    assert samples.var(axis=1).mean() == pytest.approx(1 - 1 / n, rel=0.01)
