"""减均值的片段：与 PyTorch、OpenCV、scikit-learn 以及按定义的循环比较。"""

import runpy
from itertools import combinations
from statistics import NormalDist

import cv2
import numpy as np
import pytest
import torch
from handbook.testing import load_snippet, snippet_path
from scipy.spatial.distance import pdist
from sklearn.preprocessing import StandardScaler

sub = load_snippet(__file__)
SHAPES = [(6, 5, 4, 3), (9, 3, 7, 1), (2, 4, 4, 3)]


def uint8_images(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_image_matches_opencv_accumulation(shape):
    images = uint8_images(shape)
    total = np.zeros(shape[1:], np.float64)
    for image in images:
        total = cv2.accumulate(image, total.reshape(shape[1:])).reshape(shape[1:])
    np.testing.assert_allclose(sub.mean_image(images), total / len(images), rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cuts", [[], [1], [1, 2]])
def test_channel_stats_match_torch_over_uneven_batches(shape, cuts):
    images = uint8_images(shape)
    pixels = torch.from_numpy(images).double().permute(3, 0, 1, 2).flatten(1)
    batches = [part for part in np.split(images, cuts) if len(part)]
    mean, std = sub.channel_stats(batches)
    np.testing.assert_allclose(mean, pixels.mean(dim=1), rtol=1e-10)
    np.testing.assert_allclose(std, pixels.std(dim=1, correction=0), rtol=1e-10)


def test_channel_stats_accept_images_of_different_sizes():
    batches = [uint8_images((1, 2, 3, 3)), uint8_images((1, 8, 5, 3), seed=1)]
    pixels = np.concatenate([batch.reshape(-1, 3) for batch in batches])
    scaler = StandardScaler().fit(pixels.astype(float))
    mean, std = sub.channel_stats(batches)
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(std, scaler.scale_, rtol=1e-10)


def test_constant_images_have_zero_deviation_not_nan():
    for value in (0.1, 0.3):  # 浮点下 Σx²/n - μ² 会舍成负数
        _, std = sub.channel_stats([np.full((3, 5, 5, 2), value)])
        np.testing.assert_allclose(std, 0, atol=1e-7)


def test_channel_sums_do_not_wrap_around():
    images = np.full((1, 2, 2, 3), 200, np.uint8)
    assert (images**2 == 64).all()  # 40000 mod 256
    count, total, total_square = sub.channel_sums(images)
    assert count == 4
    np.testing.assert_array_equal(total, 800)
    np.testing.assert_array_equal(total_square, 160_000)


def test_averaging_batch_means_is_wrong_for_a_short_last_batch():
    images = uint8_images((5, 4, 4, 3)).astype(float)
    images[4] += 100
    mean, std = sub.channel_stats([images[:4], images[4:]])
    parts = [sub.channel_stats([images[:4]]), sub.channel_stats([images[4:]])]
    assert np.abs(np.mean([m for m, _ in parts], axis=0) - mean).min() > 10
    assert np.abs(np.mean([s for _, s in parts], axis=0) - std).min() > 1


@pytest.mark.parametrize("shape", SHAPES)
def test_common_energy_and_cosine_by_definition(shape):
    images = uint8_images(shape).astype(float)
    flat = images.reshape(len(images), -1)
    norms = [float(row @ row) for row in flat]
    mean = sum(flat) / len(flat)
    expected = float(mean @ mean) / (sum(norms) / len(norms))
    assert sub.common_energy(images) == pytest.approx(expected, rel=1e-10)
    assert sub.mean_cosine(images) == pytest.approx(1 - pdist(flat, "cosine").mean(), rel=1e-9)
    by_pairs = [
        torch.cosine_similarity(torch.from_numpy(a), torch.from_numpy(b), dim=0).item()
        for a, b in combinations(flat, 2)
    ]
    assert sub.mean_cosine(images) == pytest.approx(np.mean(by_pairs), rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_energy_splits_into_common_and_individual(shape):
    flat = uint8_images(shape).reshape(shape[0], -1).astype(float)
    energy = (flat**2).sum(axis=1).mean()
    common = sub.common_energy(flat[:, :, None, None]) * energy
    individual = np.trace(np.cov(flat.T, bias=True))
    assert energy == pytest.approx(common + individual, rel=1e-10)


def test_second_moment_has_the_mean_as_a_rank_one_part():
    flat = sub.patches().reshape(40, -1)
    mean = flat.mean(axis=0)
    moment = flat.T @ flat / len(flat)
    np.testing.assert_allclose(
        moment - np.outer(mean, mean), np.cov(flat.T, bias=True), rtol=1e-8, atol=1e-8
    )
    leading = np.linalg.eigh(moment)[1][:, -1]
    assert abs(leading @ mean) / np.linalg.norm(mean) > 0.999  # 减均值前，主方向就是均值


def test_centering_keeps_differences():
    images = uint8_images((4, 3, 3, 3)).astype(float)
    centered = images - sub.mean_image(images)
    flat = images.reshape(4, -1)
    np.testing.assert_allclose(pdist(flat), pdist(centered.reshape(4, -1)), rtol=1e-10)
    assert sub.common_energy(centered) < 1e-20


def test_fold_mean_matches_torch_linear():
    rng = np.random.default_rng(0)
    x, mean = rng.normal(size=(8, 5)), rng.normal(size=5)
    layer = torch.nn.Linear(5, 3).double()
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    reference = layer(torch.from_numpy(x - mean)).detach().numpy()
    np.testing.assert_allclose(x @ w.T + sub.fold_mean(w, b, mean), reference, rtol=1e-9)


def test_zero_padding_breaks_folding_at_the_border():
    rng = np.random.default_rng(1)
    mean = np.array([120.0, 110.0, 100.0])
    x = torch.from_numpy(rng.uniform(0, 255, size=(1, 3, 8, 8)))
    w, b = torch.from_numpy(rng.normal(size=(4, 3, 3, 3))), torch.zeros(4, dtype=torch.float64)
    folded = torch.from_numpy(
        sub.fold_mean(w.reshape(4, -1).numpy(), b.numpy(), np.repeat(mean, 9))
    )
    mu = torch.from_numpy(mean)[:, None, None]
    conv = torch.nn.functional.conv2d
    reference = conv(x - mu, w, b, padding=1)
    zero_padded = conv(x, w, folded, padding=1)
    torch.testing.assert_close(zero_padded[..., 1:-1, 1:-1], reference[..., 1:-1, 1:-1])
    assert (zero_padded - reference)[..., 0, :].abs().mean() > 10
    mean_padded = mu.expand(3, 10, 10).clone()[None]
    mean_padded[..., 1:-1, 1:-1] = x
    torch.testing.assert_close(conv(mean_padded, w, folded), reference)


def test_accuracy_and_brightness():
    x, labels = sub.brightness(900, 100, seed=3)
    assert labels.tolist() == [True] * 900 + [False] * 100
    noise = np.random.default_rng(3).normal(0, 10, size=1000)
    np.testing.assert_allclose(x[:900], 140 + noise[:900])
    np.testing.assert_allclose(x[900:], 100 + noise[900:])
    for mean in (120.0, 136.0):
        hits = sum((value > mean) == bool(label) for value, label in zip(x, labels, strict=True))
        assert sub.accuracy(x, labels, mean) == pytest.approx(hits / 1000, abs=1e-12)
    assert sub.accuracy(np.array([1.0, 0.0]), np.array([True, False]), 0.0) == 1


def test_test_set_mean_shifts_every_score():
    x_train, _ = sub.brightness(5000, 5000, seed=2)
    x_test, labels = sub.brightness(9000, 1000, seed=3)
    right = sub.accuracy(x_test, labels, x_train.mean())
    wrong = sub.accuracy(x_test, labels, x_test.mean())
    # 阈值从 120 移到 136：正类 N(140, 10²) 里低于 136 的被判错
    unit = NormalDist()
    assert right == pytest.approx(unit.cdf(2), abs=0.01)
    assert wrong == pytest.approx(0.9 * unit.cdf(0.4) + 0.1 * unit.cdf(3.6), abs=0.01)


def expected_patches():
    places = np.random.default_rng(0).integers(0, 9, size=(40, 2))
    images = np.zeros((40, 12, 12, 1))
    for n, (i, j) in enumerate(places):
        for row in range(12):
            for column in range(12):
                inside = i <= row <= i + 2 and j <= column <= j + 2
                images[n, row, column, 0] = 80 + 100 * column / 11 + 40 * inside
    return images


def test_patches_by_loops():
    np.testing.assert_allclose(sub.patches(), expected_patches(), rtol=1e-12)
    assert sub.patches(3, 6).shape == (3, 6, 6, 1)


def test_figure_shows_images_mean_and_differences():
    images = expected_patches()[..., 0]
    mean = images.mean(axis=0)
    panels = {
        "image 1": images[0],
        "image 2": images[1],
        "mean": mean,
        "image 1 - mean": images[0] - mean,
        "image 2 - mean": images[1] - mean,
    }
    fig = sub.figure()
    axes = fig.axes
    assert fig.get_size_inches().tolist() == [6.4, 1.7]
    for ax, (title, data) in zip(axes, panels.items(), strict=True):
        (shown,) = ax.images
        assert ax.get_title() == title
        np.testing.assert_allclose(shown.get_array(), data, rtol=1e-10, atol=1e-10)
        assert shown.get_clim() == ((-40, 40) if "-" in title else (60, 220))
        assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_demo_prints_the_numbers_of_the_page(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    out = capsys.readouterr().out
    flat = expected_patches().reshape(40, -1)
    energy = (flat**2).sum(axis=1).mean()
    share = (energy - np.trace(np.cov(flat.T, bias=True))) / energy
    cosine = 1 - pdist(flat, "cosine").mean()
    assert f"原图：共性的份额 {share:.3f}，平均余弦相似度 {cosine:.3f}" in out
    cosine = 1 - pdist(flat - flat.mean(axis=0), "cosine").mean()
    assert f"减均值后：共性的份额 0.000，平均余弦相似度 {cosine:.3f}" in out
    assert "两张图之差不变：True" in out
    assert "分批累加与整个数据集相同：True，True" in out
    data = np.random.default_rng(1).integers(0, 256, size=(10, 6, 6, 3)).astype(np.uint8)
    data[8:] = data[8:] // 4
    means = [data[a:b].mean(axis=(0, 1, 2)) for a, b in ((0, 4), (4, 8), (8, 10))]
    deviation = sum(means) / 3 - (4 * means[0] + 4 * means[1] + 2 * means[2]) / 10
    assert f"把各批均值再平均：偏差 {deviation.round(1)}" in out
    noise = {seed: np.random.default_rng(seed).normal(0, 10, size=1000) for seed in (2, 3)}
    train = noise[2] + np.repeat([140.0, 100.0], [500, 500])
    test = noise[3] + np.repeat([140.0, 100.0], [900, 100])
    assert f"均值：训练 {train.mean():.1f}（两类各半），测试 {test.mean():.1f}（九成正类）" in out

    def correct(threshold):
        return ((test[:900] > threshold).sum() + (test[900:] <= threshold).sum()) / 1000

    assert f"测试减训练均值：准确率 {correct(train.mean()):.3f}" in out
    assert f"减测试均值：{correct(test.mean()):.3f}" in out
    assert "单张图减自己的均值图：最大绝对值 0" in out
