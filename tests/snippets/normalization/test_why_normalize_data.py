"""输入归一化的片段：与 PyTorch 的自动求导、scikit-learn、SciPy 以及特征分解的闭式比较。"""

import runpy

import numpy as np
import pytest
import torch
from handbook.testing import load_snippet, snippet_path
from scipy.special import expit
from scipy.stats import iqr
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler, minmax_scale
from sklearn.tree import DecisionTreeRegressor

norm = load_snippet(__file__)
SHAPES = [(50, 2), (300, 5)]


def features(shape, seed=0):
    """均值、尺度各不相同且列间相关的数据。"""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(shape[1], shape[1])) + np.eye(shape[1])
    return rng.normal(size=shape) @ mix + rng.uniform(-3, 3, size=shape[1])


def torch_loss(x, y, theta):
    design = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    return ((design @ theta - y) ** 2).mean() / 2


@pytest.mark.parametrize("shape", SHAPES)
def test_standardize_matches_sklearn(shape):
    x = features(shape)
    np.testing.assert_allclose(
        norm.standardize(x), StandardScaler().fit_transform(x), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_standardize_removes_units(shape):
    x = features(shape)
    rng = np.random.default_rng(1)
    scale, shift = rng.uniform(0.1, 1000, size=shape[1]), rng.normal(size=shape[1])
    np.testing.assert_allclose(
        norm.standardize(x * scale + shift), norm.standardize(x), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_whiten_matches_sklearn_pca(shape):
    x = features(shape)
    white = norm.whiten(x)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(shape[1]), atol=1e-9)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)
    n = shape[0]
    # scikit-learn 的方差除以 N-1，特征值从大到小；两边各差一个符号
    reference = PCA(whiten=True).fit_transform(x)[:, ::-1] * np.sqrt(n / (n - 1))
    np.testing.assert_allclose(np.abs(white), np.abs(reference), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_hessian_matches_autograd(shape):
    x = features(shape)
    torch.manual_seed(0)
    y = torch.randn(shape[0], dtype=torch.float64)
    theta = torch.randn(shape[1] + 1, dtype=torch.float64)
    reference = torch.autograd.functional.hessian(
        lambda t: torch_loss(torch.from_numpy(x), y, t), theta
    )
    np.testing.assert_allclose(norm.hessian(x), reference.numpy(), rtol=1e-9, atol=1e-12)
    assert norm.condition_number(norm.hessian(x)) == pytest.approx(
        np.linalg.cond(reference.numpy()), rel=1e-7
    )


@pytest.mark.parametrize("rho", [-0.8, 0.3, 0.95])
def test_condition_number_after_standardizing_two_features(rho):
    rng = np.random.default_rng(0)
    z = norm.whiten(rng.normal(size=(100, 2)))  # 样本协方差恰为单位阵
    x = z @ np.linalg.cholesky([[1, rho], [rho, 1]]).T * [5, 0.01] + [3, -7]
    h = norm.hessian(norm.standardize(x))
    assert norm.condition_number(h) == pytest.approx((1 + abs(rho)) / (1 - abs(rho)), rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_best_rate_minimises_the_spectral_radius(shape):
    h = norm.hessian(features(shape))
    lam = np.linalg.eigvals(h).real

    def radius(rate):
        return np.abs(1 - rate * lam).max()

    rate, kappa = norm.best_rate(h), np.linalg.cond(h)
    assert radius(rate) == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-8)
    assert all(radius(rate) < radius(rate * factor) for factor in (0.9, 0.999, 1.001, 1.1))


def torch_gd(x, y, start, rate, steps):
    """用自动求导的梯度做梯度下降，返回每一步的参数。"""
    x, y, theta = torch.from_numpy(x), torch.from_numpy(y), torch.tensor(start, requires_grad=True)
    path = [theta]
    for _ in range(steps):
        (grad,) = torch.autograd.grad(torch_loss(x, y, theta), theta)
        theta = (theta - rate * grad).detach().requires_grad_()
        path.append(theta)
    return torch.stack(path).detach().numpy()


def test_rate_above_two_over_lambda_max_diverges():
    x, y = norm.houses()
    x = norm.standardize(x)
    top = np.linalg.eigvalsh(norm.hessian(x))[-1]
    calm = torch_gd(x, y, np.zeros(3), 0.99 * 2 / top, 300)[-1]
    wild = torch_gd(x, y, np.zeros(3), 1.01 * 2 / top, 300)[-1]
    best = np.linalg.lstsq(np.column_stack([x, np.ones(200)]), y)[0]
    assert np.abs(calm - best).max() < 0.1 < 100 < np.abs(wild - best).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_gd_path_matches_autograd(shape):
    x = features(shape)
    rng = np.random.default_rng(2)
    y = rng.normal(size=shape[0])
    design = np.column_stack([x, np.ones(len(x))])
    best = np.linalg.lstsq(design, y)[0]
    start = rng.normal(size=shape[1] + 1)
    path = norm.gd_path(norm.hessian(x), start - best, 20)

    lam = np.linalg.eigvalsh(design.T @ design / len(x))
    reference = torch_gd(x, y, start, 2 / (lam.min() + lam.max()), 20)
    np.testing.assert_allclose(path, reference - best, rtol=1e-7, atol=1e-9)


def closed_form_steps(x, y, tol):
    """特征方向上误差按 (1 - ηλ)^t 衰减，直接解出多余损失首次不大于 tol 倍的 t。"""
    design = np.column_stack([x, np.ones(len(x))])
    lam, u = np.linalg.eigh(design.T @ design / len(x))
    weight = lam * (u.T @ np.linalg.lstsq(design, y)[0]) ** 2
    decay = (1 - 2 / (lam.min() + lam.max()) * lam) ** 2
    steps = np.arange(20000)[:, None]
    excess = (weight * decay**steps).sum(axis=1)
    return int(np.argmax(excess <= tol * excess[0]))


@pytest.mark.parametrize("tol", [1e-2, 1e-6])
def test_gd_steps_match_the_closed_form(tol):
    x, y = norm.houses()
    for data in (x, x - x.mean(axis=0), norm.standardize(x), x * [0.5, 1] + [1, -2]):
        assert norm.gd_steps(data, y, tol) == closed_form_steps(data, y, tol)
    assert norm.gd_steps(norm.whiten(x), y, tol) == 1


def test_gd_steps_give_up_at_the_limit():
    x, y = norm.houses()
    steps = norm.gd_steps(norm.standardize(x), y)
    assert norm.gd_steps(norm.standardize(x), y, limit=steps) is None
    assert norm.gd_steps(norm.standardize(x), y, limit=steps + 1) == steps
    assert norm.gd_steps(x * [2.5, 1], y) is None  # κ 近一万，缺省的两万步不够


def test_gd_steps_bound_by_condition_number():
    x, y = norm.houses()
    for data in (x, x - x.mean(axis=0), norm.standardize(x)):
        kappa = np.linalg.cond(norm.hessian(data))
        bound = np.log(1e6) / (2 * np.log((kappa + 1) / (kappa - 1)))
        assert norm.gd_steps(data, y) <= np.ceil(bound)


@pytest.mark.parametrize("scale", [[1, 1], [1000, 1], [1, 0.001]])
def test_nearest_matches_sklearn(scale):
    x = features((40, 2)) * scale
    _, index = NearestNeighbors(n_neighbors=2).fit(x).kneighbors(x)
    assert [norm.nearest(x, i) for i in range(40)] == index[:, 1].tolist()


def outlier_data():
    return np.append(np.arange(1.0, 10.0), 1000.0)


def test_min_max_matches_sklearn_and_is_squeezed_by_an_outlier():
    x = features((30, 1))[:, 0]
    np.testing.assert_allclose(norm.min_max(x), minmax_scale(x), rtol=1e-12, atol=1e-12)
    assert norm.min_max(outlier_data())[:-1].max() == pytest.approx(8 / 999)


def box_plot_outliers(x):
    q1, q3 = np.percentile(x, [25, 75])
    return (x < q1 - 1.5 * iqr(x)) | (x > q3 + 1.5 * iqr(x))


def test_scaling_does_not_remove_outliers():
    rng = np.random.default_rng(3)
    x = np.append(rng.normal(size=60), [8.0, -9.0, 30.0])
    before = box_plot_outliers(x)
    assert before[-3:].all()
    for scaled in (norm.min_max(x), norm.standardize(x), (x - np.median(x)) / iqr(x)):
        assert len(scaled) == len(x)
        np.testing.assert_array_equal(box_plot_outliers(scaled), before)
        assert norm.gap_ratio(scaled) == pytest.approx(norm.gap_ratio(x), rel=1e-12)


@pytest.mark.parametrize("n", [5, 10, 40])
def test_z_score_is_bounded_by_the_sample_size(n):
    extreme = np.append(np.zeros(n - 1), 1e9)  # 其余全相同时取等号
    assert norm.standardize(extreme).max() == pytest.approx(np.sqrt(n - 1), rel=1e-9)
    rng = np.random.default_rng(4)
    heavy = rng.standard_cauchy(size=(n, 200))
    assert np.abs(norm.standardize(heavy)).max() < np.sqrt(n - 1)


def test_gap_ratio_by_definition():
    x = [7.0, -3.0, 12.0, 10.0]
    assert norm.gap_ratio(np.array(x)) == pytest.approx((12 - 10) / (12 + 3))


def test_sigmoid_slope_matches_autograd():
    z = torch.linspace(-30, 30, 41, dtype=torch.float64, requires_grad=True)
    torch.sigmoid(z).sum().backward()
    np.testing.assert_allclose(
        norm.sigmoid_slope(z.detach().numpy()), z.grad.numpy(), rtol=1e-6, atol=1e-13
    )


def test_positive_inputs_tie_the_signs_of_the_gradient():
    layer = torch.nn.Linear(6, 4).double()
    x = torch.from_numpy(np.random.default_rng(5).uniform(0, 255, size=6))
    torch.tanh(layer(x / 255)).sin().sum().backward()
    signs = torch.sign(layer.weight.grad)
    assert (signs == signs[:, :1]).all()


def test_trees_ignore_monotone_scaling():
    x, y = norm.houses()
    fits = [
        DecisionTreeRegressor(max_depth=4, random_state=0).fit(data, y).predict(data)
        for data in (x, norm.standardize(x))
    ]
    np.testing.assert_allclose(fits[0], fits[1], rtol=1e-12)


def test_houses_follow_the_stated_model():
    x, y = norm.houses()
    np.testing.assert_allclose(x.mean(axis=0), [10, 3], atol=0.5)
    np.testing.assert_allclose(x.std(axis=0), [3, 1], rtol=0.1)
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(0.6, abs=0.05)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200, 2))
    np.testing.assert_allclose(x, [10, 3] + z @ [[1.8, 1], [2.4, 0]], rtol=1e-12)
    noise = rng.normal(size=200)
    np.testing.assert_allclose(y - x @ [2, 1], 5 + noise, rtol=1e-9)


def test_figure_draws_level_sets_and_gd_paths():
    x = norm.houses()[0]
    standardized = StandardScaler().fit_transform(x)
    panels = [x - x.mean(axis=0), standardized, PCA(whiten=True).fit_transform(x)]
    fig = norm.figure()
    axes = fig.axes
    assert fig.get_size_inches().tolist() == [6.4, 2.8]
    for ax, data in zip(axes, panels, strict=True):
        h = np.cov(data.T, bias=True)
        kappa = np.linalg.cond(h)
        assert f"= {kappa:.1f}" in ax.get_title()
        *levels, path = [line.get_xydata() for line in ax.lines]
        for level, radius in zip(levels, (0.25, 0.5, 0.75, 1.0), strict=True):
            assert len(level) == 49
            loss = np.einsum("ni,ij,nj->n", level, h, level)
            np.testing.assert_allclose(loss, radius**2, rtol=0.02)
            turns = np.unwrap(np.arctan2(level[:, 1], level[:, 0]))
            assert abs(turns[-1] - turns[0]) == pytest.approx(2 * np.pi)  # 闭合一圈
        # 起点的多余损失两个特征方向各半，之后每步按 (κ-1)/(κ+1) 的平方缩小
        loss = np.einsum("ni,ij,nj->n", path, h, path)
        assert len(path) == 13
        assert loss[0] == pytest.approx(1, rel=0.02)
        if kappa > 2:
            np.testing.assert_allclose(
                loss[1:] / loss[:-1], ((kappa - 1) / (kappa + 1)) ** 2, rtol=1e-6
            )
        else:
            assert loss[1] < 1e-20
    assert [ax.get_xlabel() for ax in axes] == ["$w_1 - w_1^*$"] * 3
    assert axes[0].get_ylabel() == "$w_2 - w_2^*$"


def test_demo_prints_the_numbers_of_the_page(capsys):
    runpy.run_path(str(snippet_path(__file__)), run_name="__main__")
    out = capsys.readouterr().out
    x, y = norm.houses()
    scaled = StandardScaler().fit_transform(x)
    for name, data in (("原始", x), ("去均值", x - x.mean(axis=0)), ("标准化", scaled)):
        kappa = np.linalg.cond(np.column_stack([data, np.ones(200)])) ** 2
        steps = closed_form_steps(data, y, 1e-6)
        assert f"{name}：κ = {kappa:.1f}，梯度下降 {steps} 步" in out
    assert "白化：κ = 1.0，梯度下降 1 步" in out
    kappa_scaled = np.linalg.cond(np.column_stack([scaled, np.ones(200)])) ** 2
    assert f"(1+ρ)/(1-ρ) = {kappa_scaled:.1f}" in out
    metric = np.column_stack([10 * x[:, 0], x[:, 1], np.ones(200)])
    kappa = np.linalg.cond(metric) ** 2
    assert f"κ = {kappa:.0f}，解方程约丢 {np.log10(kappa):.1f} 位" in out
    assert f"标准化后仍是 {kappa_scaled:.1f}" in out
    assert f"float32 约有 {23 * np.log10(2):.1f} 位有效数字" in out
    # 60 kg 对 61 kg 差 1，1.70 m 对 1.71 m 差 0.01 m 即 10 mm
    assert "m 与 kg 时是 2 号，mm 与 kg 时是 1 号" in out
    assert f"挤在 [0, {8 / 999:.4f}]" in out
    assert "z-score 后异常值只有 3.000，上界 √(N-1) = 3.000" in out
    assert f"缩放前 {991 / 999:.4f}，缩放后 {991 / 999:.4f}" in out
    rms = np.sqrt((np.arange(256.0) ** 2).mean())
    assert f"像素的均方根 {rms:.0f}" in out
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, size=(100, 784)).astype(float)
    w = rng.normal(size=(784, 1000)) / 28
    for name, data in (("0–255", pixels), ("标准化", StandardScaler().fit_transform(pixels))):
        z = data @ w
        share = (expit(z) * expit(-z) < 0.001).mean()
        expected = f"{name} 输入：z 的均方根 {np.linalg.norm(z) / np.sqrt(z.size):.0f}，"
        assert expected + f"σ' < 0.001 占 {share:.1%}" in out
    assert "float16：最大 65504，300² = inf" in out
