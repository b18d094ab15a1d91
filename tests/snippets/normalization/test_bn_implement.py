"""BN 层的实现：与 torch.nn.BatchNorm1d/2d 逐步比较输出与缓冲区。"""

import runpy

import numpy as np
import pytest
import torch
from handbook.testing import load_snippet

bn = load_snippet(__file__)


def pair(shape, **kwargs):
    """同样参数的两个层：片段的与 PyTorch 的。"""
    rng = np.random.default_rng(len(shape))
    ours = bn.BatchNorm(shape[1], **kwargs)
    layer = torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d
    theirs = layer(shape[1], dtype=torch.float64, **kwargs)
    ours.gamma, ours.beta = rng.normal(size=(2, shape[1]))
    with torch.no_grad():
        theirs.weight.copy_(torch.from_numpy(ours.gamma))
        theirs.bias.copy_(torch.from_numpy(ours.beta))
    return ours, theirs


def batches(shape, steps, scale=2.0):
    rng = np.random.default_rng(steps)
    return [rng.normal(loc=rng.normal(), scale=scale, size=shape) for _ in range(steps)]


def assert_same_buffers(ours, theirs):
    np.testing.assert_allclose(ours.running_mean, theirs.running_mean.numpy(), rtol=1e-9)
    np.testing.assert_allclose(ours.running_var, theirs.running_var.numpy(), rtol=1e-9)


@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4, 5), (3, 2, 1, 7)])
@pytest.mark.parametrize("kwargs", [{}, {"momentum": 0.37, "eps": 0.05}])
@pytest.mark.parametrize("scale", [2.0, 1e-3])
def test_training_and_inference_match_torch(shape, kwargs, scale):
    ours, theirs = pair(shape, **kwargs)
    for x in batches(shape, 4, scale):
        expected = theirs(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(ours(x), expected, rtol=1e-8, atol=1e-12)
        assert_same_buffers(ours, theirs)
    ours.training = False
    theirs.eval()
    for x in batches(shape, 2, scale):
        expected = theirs(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(ours(x), expected, rtol=1e-9)
        assert_same_buffers(ours, theirs)  # 推理前向不得改动缓冲区


def test_initial_state_matches_torch():
    ours, theirs = bn.BatchNorm(3), torch.nn.BatchNorm2d(3, dtype=torch.float64)
    for name, reference in [("gamma", theirs.weight), ("beta", theirs.bias)]:
        np.testing.assert_array_equal(getattr(ours, name), reference.detach().numpy())
    assert_same_buffers(ours, theirs)
    assert ours.training is theirs.training


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (3, 1, 2, 6)])
def test_channels_last_gives_the_transposed_result(shape):
    ours, theirs = bn.BatchNorm(shape[-1], channel_axis=-1), torch.nn.BatchNorm2d(shape[-1])
    theirs = theirs.double()
    (x,) = batches(shape, 1)
    expected = theirs(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(ours(x), expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    assert_same_buffers(ours, theirs)


def test_axis_minus_one_on_nchw_is_wrong():
    (x,) = batches((4, 3, 5, 3), 1)  # W 恰与 C 相等：不报错，只是统计错了维度
    expected = torch.nn.BatchNorm2d(3, dtype=torch.float64)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(bn.BatchNorm(3)(x), expected, rtol=1e-9, atol=1e-12)
    assert abs(bn.BatchNorm(3, channel_axis=-1)(x) - expected).max() > 0.01


def test_statistics_over_all_axes_but_channels():
    (x,) = batches((3, 2, 4, 5), 1)
    mean, var, m = bn.batch_stats(x)
    flat = torch.from_numpy(x).transpose(0, 1).flatten(1)
    np.testing.assert_allclose(mean, flat.mean(dim=1), rtol=1e-12)
    np.testing.assert_allclose(var, flat.var(dim=1, correction=0), rtol=1e-12)
    assert m == 3 * 4 * 5


def test_running_variance_is_unbiased_but_normalization_is_biased():
    (x,) = batches((4, 3), 1)
    layer = bn.BatchNorm(3, eps=0.0, momentum=1.0)
    y = layer(x)
    np.testing.assert_allclose((y**2).mean(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var, torch.from_numpy(x).var(dim=0), rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_single_value_per_channel_is_refused(shape):
    ours, theirs = pair(shape)
    x = np.ones(shape)
    with pytest.raises(ValueError):
        theirs(torch.from_numpy(x))
    with pytest.raises(ValueError, match="2 个值"):
        ours(x)
    ours.training = False
    np.testing.assert_allclose(
        ours(x), theirs.eval()(torch.from_numpy(x)).detach().numpy(), rtol=1e-9
    )


def test_two_values_per_channel_are_enough():
    ours, theirs = pair((2, 3))
    (x,) = batches((2, 3), 1)
    np.testing.assert_allclose(ours(x), theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-8)


def test_momentum_is_the_weight_of_the_new_value():
    values = np.random.default_rng(1).normal(size=7)
    running = 3.0
    for value in values:
        running = bn.moving_average(running, value, 0.2)
    weights = 0.2 * 0.8 ** np.arange(6, -1, -1)
    assert running == pytest.approx(0.8**7 * 3.0 + weights @ values, rel=1e-12)
    # Keras 的 momentum 是旧值的权重：那里的 0.99 是这里的 0.01
    keras = torch.lerp(torch.tensor(4.0), torch.tensor(10.0), 1 - 0.99).item()
    assert bn.moving_average(4.0, 10.0, 1 - 0.99) == pytest.approx(keras, rel=1e-6)


def test_inference_folds_to_no_batch_dependence():
    ours, theirs = pair((5, 3, 4, 4))
    (x,) = batches((5, 3, 4, 4), 1)
    ours(x), theirs(torch.from_numpy(x))
    ours.training = False
    expected = theirs.eval()(torch.from_numpy(x[2:3])).detach().numpy()
    np.testing.assert_allclose(ours(x)[2:3], expected, rtol=1e-9)


def test_one_pass_variance_cancels():
    (x,) = batches((64,), 1)
    assert bn.one_pass_var(x) == pytest.approx(torch.from_numpy(x).var(correction=0).item())
    far = (x + 3e4).astype(np.float32)
    exact = far.astype(np.float64).var()
    _, var, _ = bn.batch_stats(far[:, None])
    assert var[0] == pytest.approx(exact, rel=1e-3)
    assert abs(bn.one_pass_var(far) - exact) > 0.5 * exact


def test_demo_prints_the_closed_forms(capsys):
    runpy.run_path(bn.__file__, run_name="__main__")
    out = capsys.readouterr().out
    assert "0.0000  1.0000" in out
    assert f"元素个数    {4 * 8 * 8}\n" in out
    assert "[0.1 0.1]" in out
    assert f"[{1 - 0.9**10:.4f} {1 - 0.9**10:.4f}]" in out
    assert "同批样本无关        True" in out
    square = (np.array([9999.0, 10001.0]) ** 2).astype(np.float32)  # 间隔 8，舍入后均值恰为 1e8
    assert square.mean() == 1e8 and "两遍 1.0，一遍 0.0" in out


def test_figure_follows_the_geometric_decay():
    (ax,) = bn.figure().axes
    *curves, limit = ax.get_lines()
    assert set(limit.get_ydata()) == {1.0}
    for line, momentum in zip(curves, (0.5, 0.1, 0.01), strict=True):
        steps = np.arange(61)
        np.testing.assert_allclose(line.get_ydata(), 1 - (1 - momentum) ** steps, rtol=1e-9)
        np.testing.assert_array_equal(line.get_xdata(), steps)
        assert line.get_label() == f"momentum = {momentum}"
