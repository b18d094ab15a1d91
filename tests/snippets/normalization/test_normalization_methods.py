"""归一化方法的片段：与 scikit-learn、SciPy、PyTorch、OpenCV 以及按定义的计算比较。"""

import runpy

import cv2
import numpy as np
import pytest
import torch
from handbook.testing import load_snippet, snippet_path
from scipy.linalg import sqrtm
from scipy.stats import ortho_group
from sklearn.decomposition import PCA
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

methods = load_snippet(__file__)
SHAPES = [(11, 3), (60, 2), (200, 6)]
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def features(shape, seed=0):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(shape[1], shape[1])) + 2 * np.eye(shape[1])
    return rng.normal(size=shape) @ mix + rng.uniform(-4, 4, size=shape[1])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "scaler"),
    [
        ("min_max", MinMaxScaler()),
        ("z_score", StandardScaler()),
        ("max_abs", MaxAbsScaler()),
        ("robust", RobustScaler()),
    ],
)
def test_column_scalers_match_sklearn(name, scaler, shape):
    train, test = features(shape), features(shape, seed=1)
    parameters = getattr(methods, name)(train)
    scaler.fit(train)
    for x in (train, test):  # 测试集用训练集的 τ、α
        np.testing.assert_allclose(
            methods.apply(x, *parameters), scaler.transform(x), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_norm_by_definition(shape):
    x = features(shape)
    scaled = methods.apply(x, *methods.mean_norm(x))
    for j in range(shape[1]):
        column = x[:, j].tolist()
        mean = sum(column) / len(column)
        expected = [(v - mean) / (max(column) - min(column)) for v in column]
        np.testing.assert_allclose(scaled[:, j], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["min_max", "mean_norm", "z_score", "robust"])
def test_shift_and_scale_of_the_column_cancel(name):
    x = features((40, 3))
    method = getattr(methods, name)
    moved = x * [2.0, 0.01, 300.0] + [5.0, -1.0, 40.0]
    np.testing.assert_allclose(
        methods.apply(moved, *method(moved)), methods.apply(x, *method(x)), rtol=1e-7, atol=1e-9
    )


def test_constant_column_does_not_divide_by_zero():
    x = np.column_stack([np.full(100, 0.1), np.arange(100.0)])  # 0.1 的标准差不恰为 0
    scaler, unseen = StandardScaler().fit(x), x + 3.0
    for data in (x, unseen):  # 常数列上来了别的值，按 α = 1 缩放
        np.testing.assert_allclose(
            methods.apply(data, *methods.z_score(x)), scaler.transform(data), atol=1e-12
        )


def test_min_max_range_holds_on_the_training_set_only():
    parameters = methods.min_max(features((50, 3)))
    unseen = methods.apply(features((50, 3), seed=2) * 2, *parameters)
    assert unseen.min() < 0
    assert unseen.max() > 1


def test_z_score_does_not_make_the_data_normal():
    x = np.random.default_rng(3).exponential(size=(500, 1))
    z = methods.apply(x, *methods.z_score(x))
    skewness = [((v - v.mean()) ** 3).mean() / v.std() ** 3 for v in (x, z)]
    assert skewness[0] == pytest.approx(skewness[1], rel=1e-9)
    assert skewness[1] > 1


@pytest.mark.parametrize("shape", SHAPES)
def test_l2_rows_match_sklearn_and_torch(shape):
    x = features(shape)
    np.testing.assert_allclose(methods.l2_rows(x), Normalizer().transform(x), rtol=1e-12)
    tiny = x * 1e-13  # 范数小于 eps 时除以 eps
    for data, kwargs in ((tiny, {}), (x, {"eps": 5.0})):
        reference = torch.nn.functional.normalize(torch.from_numpy(data), **kwargs)
        np.testing.assert_allclose(methods.l2_rows(data, **kwargs), reference, rtol=1e-12)


def test_l2_rows_are_not_columns():
    x = features((30, 4))
    np.testing.assert_allclose((methods.l2_rows(x) ** 2).sum(axis=1), 1, rtol=1e-12)
    assert np.abs((methods.l2_rows(x) ** 2).sum(axis=0) - 1).min() > 0.1


@pytest.mark.parametrize("shape", SHAPES)
def test_whitening_gives_identity_covariance(shape):
    x = features(shape)
    mu, w_pca, w_zca = methods.whitening(x)
    for w in (w_pca, w_zca):
        white = (x - mu) @ w
        np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(shape[1]), atol=1e-9)
        np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_pca_whitening_matches_sklearn(shape):
    x = features(shape)
    mu, w_pca, _ = methods.whitening(x)
    n = shape[0]
    # scikit-learn 的方差除以 N-1；特征向量只确定到符号
    reference = PCA(whiten=True).fit_transform(x) * np.sqrt(n / (n - 1))
    np.testing.assert_allclose(np.abs((x - mu) @ w_pca), np.abs(reference), rtol=1e-7, atol=1e-9)
    assert (np.diag(w_pca) >= 0).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eps", [0.0, 0.5])
def test_zca_is_the_symmetric_inverse_root(shape, eps):
    x = features(shape)
    _, w_pca, w_zca = methods.whitening(x, eps)
    root = np.linalg.inv(sqrtm(np.cov(x.T, bias=True) + eps * np.eye(shape[1])).real)
    np.testing.assert_allclose(w_zca, root, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(w_pca @ w_pca.T, root @ root, rtol=1e-6, atol=1e-8)


def test_any_rotation_is_white_but_zca_stays_closest():
    x = features((80, 4))
    mu, w_pca, w_zca = methods.whitening(x)
    centered = x - mu

    def moved(w):
        return ((centered @ w - centered) ** 2).sum(axis=1).mean()

    rotations = ortho_group.rvs(4, size=200, random_state=0)
    for rotation in rotations:
        w = w_pca @ rotation
        np.testing.assert_allclose(np.cov((centered @ w).T, bias=True), np.eye(4), atol=1e-9)
        assert moved(w) > moved(w_zca)
    assert moved(w_pca) > moved(w_zca)
    # 最小值的闭式：Σ (√λ - 1)²
    lam = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    assert moved(w_zca) == pytest.approx(((np.sqrt(lam) - 1) ** 2).sum(), rel=1e-8)


def test_rank_deficient_data_need_eps():
    x = features((5, 3))[:, [0, 1, 2, 2]]  # 两列相同，λ 有一个是 0
    lam = np.linalg.eigvalsh(np.cov(x.T, bias=True))
    assert abs(lam[0]) < 1e-12
    mu, w_pca, _ = methods.whitening(x, eps=1e-2)
    variance = ((x - mu) @ w_pca).var(axis=0)
    np.testing.assert_allclose(variance, (lam / (lam + 1e-2))[::-1], atol=1e-9)


def random_image(seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(5, 7, 3)).astype(np.uint8)


def test_normalize_image_matches_opencv():
    image = random_image()
    # blobFromImage 的次序是先减均值、再乘系数，没有逐通道的除法，所以最后再除
    blob = cv2.dnn.blobFromImage(image, scalefactor=1 / 255, mean=tuple(MEAN * 255), swapRB=False)
    reference = blob[0].astype(np.float64) / STD[:, None, None]
    np.testing.assert_allclose(
        methods.normalize_image(image, MEAN, STD), reference, rtol=1e-5, atol=1e-6
    )


def test_normalize_image_by_loops():
    image = random_image(1)
    out = methods.normalize_image(image, MEAN, STD)
    assert out.shape == (3, 5, 7)
    for c in range(3):
        for i in range(5):
            for j in range(7):
                expected = (int(image[i, j, c]) - 255 * MEAN[c]) / (255 * STD[c])
                assert out[c, i, j] == pytest.approx(expected, rel=1e-9)


def test_channel_order_matters():
    image = random_image(2)
    rgb = methods.normalize_image(image, MEAN, STD)
    bgr = methods.normalize_image(image[:, :, ::-1], MEAN, STD)[::-1]
    assert np.abs(rgb - bgr)[[0, 2]].min() > 0.05


def test_per_image_standardization():
    image = random_image(3)
    x = torch.from_numpy(image).double()
    reference = (x - x.mean()) / x.std(correction=0)
    np.testing.assert_allclose(
        methods.standardize_per_image(image), reference.numpy(), rtol=1e-9, atol=1e-12
    )
    # tf.image.per_image_standardization 文档里的例子
    documented = methods.standardize_per_image(np.arange(1, 13).reshape(2, 2, 3))
    assert documented[0, 0, 0] == pytest.approx(-1.593255, rel=1e-6)
    assert documented[1, 1, 2] == pytest.approx(1.593255, rel=1e-6)
    # σ 小于 1/√n 时除以 1/√n
    faint = np.full((2, 2, 3), 0.5)
    faint[0, 0, 0] += 0.01
    expected = (faint - faint.mean()) * np.sqrt(12)
    np.testing.assert_allclose(methods.standardize_per_image(faint), expected, rtol=1e-9)


def test_brightness_and_contrast_cancel_per_image():
    image = random_image(4) // 3
    brighter = (2 * image + 40).astype(np.uint8)
    np.testing.assert_allclose(
        methods.standardize_per_image(brighter), methods.standardize_per_image(image), rtol=1e-9
    )


def test_points_and_figure():
    x = methods.correlated_points()
    assert x.shape == (60, 2)
    z = np.random.default_rng(0).normal(size=(60, 2))
    np.testing.assert_allclose(x - [5, 1], z @ [[2, 1.6], [0, 1.2]], atol=1e-12)
    centered = x - x.mean(axis=0)
    root = np.linalg.inv(sqrtm(np.cov(x.T, bias=True)).real)
    reference = PCA(whiten=True).fit(x)
    pca = reference.transform(x) * np.sqrt(60 / 59) * np.sign(np.diag(reference.components_))
    fig = methods.figure()
    assert fig.get_size_inches().tolist() == [6.4, 2.5]
    panels = {"centered": centered, "PCA whitened": pca, "ZCA whitened": centered @ root}
    for ax, (title, expected) in zip(fig.axes, panels.items(), strict=True):
        assert ax.get_title() == title
        cloud, first, second = [line.get_xydata() for line in ax.lines]
        np.testing.assert_allclose(cloud, expected, rtol=1e-6, atol=1e-9)
        for line, i in ((first, np.argmax(x[:, 0])), (second, np.argmin(x[:, 1]))):
            np.testing.assert_allclose(line, [[0, 0], expected[i]], rtol=1e-6, atol=1e-9)
        assert np.abs(cloud).max() < ax.get_xlim()[1] == ax.get_ylim()[1]
        assert np.abs(cloud).max() < -ax.get_xlim()[0] == -ax.get_ylim()[0]
        assert ax.get_aspect() == 1


def test_demo_prints_the_numbers_of_the_page(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    out = capsys.readouterr().out
    column = np.array([[1.0], [2.0], [3.0], [4.0], [10.0]])
    rows = {
        "min_max": MinMaxScaler().fit_transform(column),
        "mean_norm": (column - 4) / 9,
        "z_score": StandardScaler().fit_transform(column),
        "max_abs": column / 10,
        "robust": (column - 3) / 2,
    }
    for name, values in rows.items():
        assert f"{name:9s} " + " ".join(f"{v:6.3f}" for v in values[:, 0]) in out
    assert f"来了 13：min-max 得 {12 / 9:.3f}，" in out
    assert "[3, 4] 按行 L2：[0.6 0.8]" in out
    x = methods.correlated_points()
    covariance = np.cov(x.T, bias=True)
    assert f"原来的相关系数 {np.corrcoef(x.T)[0, 1]:.2f}" in out
    lam = np.linalg.eigvalsh(covariance)
    reference = PCA(whiten=True).fit(x)
    pca = reference.transform(x) * np.sqrt(60 / 59) * np.sign(np.diag(reference.components_))
    moved_pca = ((pca - (x - x.mean(axis=0))) ** 2).sum() / 60
    moved_zca = ((np.sqrt(lam) - 1) ** 2).sum()
    for name, moved in (("PCA", moved_pca), ("ZCA", moved_zca)):
        assert f"{name} 白化：协方差为单位阵 True，离去均值的数据的均方距离 {moved:.2f}" in out
    assert f"32×32×3 的图 {3072 * 3072:.1e} 个，224×224×3 的图 {150528 * 150528:.1e} 个" in out
    assert "均值 × 255 = [123.675 116.28  103.53 ]，标准差 × 255 = [58.395 57.12  57.375]" in out
    ends = [f"{-m / s:.2f} 与 {(1 - m) / s:.2f}" for m, s in zip(MEAN, STD, strict=True)]
    assert f"0 与 255 变成：{', '.join(ends)}" in out
    assert "纯色图逐图标准化后的最大绝对值 0" in out
