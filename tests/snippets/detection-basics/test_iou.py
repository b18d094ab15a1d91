"""IoU：与 pycocotools、整数像素集合的暴力枚举核对，并用 hypothesis 检验性质。"""

import numpy as np
import pytest
from handbook.testing import load_snippet
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

iou = load_snippet(__file__)
always = settings(deadline=None, derandomize=True)


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


def random_boxes(n, seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-20, 20, size=(n, 2))
    return np.hstack([low, low + rng.uniform(1, 30, size=(n, 2))])


def xywh(boxes):
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])


def pixels(box, last):
    """整数框覆盖的像素；last = 0 不含右下端点，last = 1 含。"""
    x1, y1, x2, y2 = box
    return {(x, y) for x in range(x1, x2 + last) for y in range(y1, y2 + last)}


@st.composite
def boxes(draw, smallest=0.0):
    low = [draw(st.floats(-100, 100)) for _ in range(2)]
    size = [draw(st.floats(smallest, 100)) for _ in range(2)]
    return np.array([*low, low[0] + size[0], low[1] + size[1]])


@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 3), (40, 25)])
def test_matches_pycocotools(n, m):
    a, b = random_boxes(n, 0), random_boxes(m, 1)
    expected = coco.iou(xywh(a), xywh(b), [0] * m)
    close(iou.pairwise_iou(a, b), expected)
    close([[iou.iou_one(p, q) for q in b] for p in a], expected)


@pytest.mark.parametrize("inclusive", [0, 1])
def test_both_conventions_count_pixels(inclusive):
    rng = np.random.default_rng(2)
    low = rng.integers(-3, 4, size=(30, 2))
    grid = np.hstack([low, low + rng.integers(0, 5, size=(30, 2))])  # 含零面积框与共边框
    sets = [pixels(box, inclusive) for box in grid]
    expected = [[len(p & q) / max(len(p | q), 1) for q in sets] for p in sets]
    close(iou.pairwise_iou(grid, grid, pixel=inclusive), expected)
    close([[iou.iou_one(p, q, inclusive) for q in grid] for p in grid], expected)


def test_inclusive_convention_is_the_continuous_one_with_corner_moved():
    rng = np.random.default_rng(3)
    low = rng.integers(0, 9, size=(2, 8, 2))
    a, b = np.concatenate([low, low + rng.integers(0, 9, size=(2, 8, 2))], axis=-1)
    wider = np.array([0, 0, 1, 1])
    expected = coco.iou(xywh(a + wider).astype(float), xywh(b + wider).astype(float), [0] * 8)
    close(iou.pairwise_iou(a, b, pixel=1), expected)


@always
@given(boxes(), boxes())
def test_range_symmetry_and_loop(p, q):
    (forth,), (back,) = iou.pairwise_iou([p], [q])[0], iou.pairwise_iou([q], [p])[0]
    assert 0 <= forth <= 1 and forth == back
    close(iou.iou_one(p, q), forth)


@always
@given(boxes(smallest=0.1))
def test_box_with_itself(p):
    assert iou.pairwise_iou([p], [p]) == iou.iou_one(p, p) == 1


@always
@given(boxes(smallest=0.1), boxes(smallest=0.1), st.floats(0.01, 100))
def test_scale_invariance(p, q, factor):
    close(iou.iou_one(p * factor, q * factor), iou.iou_one(p, q))


def test_inclusive_convention_breaks_scale_invariance():
    p, q = np.array([0, 0, 10, 10]), np.array([5, 0, 15, 10])
    assert abs(iou.iou_one(p * 10, q * 10, 1.0) - iou.iou_one(p, q, 1.0)) > 0.03


@always
@given(boxes(smallest=0.1), boxes(smallest=0.1), boxes(smallest=0.1))
def test_one_minus_iou_satisfies_the_triangle_inequality(p, q, r):
    d = 1 - iou.pairwise_iou([p, q, r], [p, q, r])
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-9


@always
@given(boxes(smallest=0.1), st.tuples(*[st.floats(0, 1)] * 4))
def test_contained_box_gives_the_area_ratio(p, cuts):
    inner = np.sort(p[:2] + np.reshape(cuts, (2, 2)) * (p[2:] - p[:2]), axis=0).ravel()
    inner = np.minimum(inner, [*p[2:], *p[2:]])  # 舍入可能越出右下角
    width, height = p[2:] - p[:2]
    ratio = (inner[2] - inner[0]) * (inner[3] - inner[1]) / (width * height)
    close(iou.pairwise_iou([p], [inner]), [[ratio]])


def test_diagonal_boxes_do_not_overlap():
    apart = [[0, 0, 1, 1]], [[3, 3, 4, 4]]  # 宽、高都是 -2，直接相乘得 4
    assert iou.pairwise_iou(*apart) == iou.iou_one(apart[0][0], apart[1][0]) == 0


def test_touching_boxes_depend_on_the_convention():
    left, right = np.array([0, 0, 10, 10]), np.array([10, 0, 20, 10])
    assert iou.iou_one(left, right) == 0
    close(iou.iou_one(left, right, 1.0), 11 / (2 * 121 - 11))


def test_degenerate_and_reversed_boxes_never_give_nan():
    point, line = [5, 5, 5, 5], [0, 5, 10, 5]
    swapped, normal = [8, 8, 2, 2], [0, 0, 10, 10]  # 两边都颠倒，未截断时面积会是正的 36
    matrix = iou.pairwise_iou([point, line, swapped, normal], [point, line, swapped, normal])
    expected = np.zeros((4, 4))
    expected[3, 3] = 1
    np.testing.assert_array_equal(matrix, expected)
    assert iou.iou_one(point, point) == iou.iou_one(swapped, swapped) == 0


def test_tiny_unions_are_not_rounded_away():
    p, q = np.array([0, 0, 1e-6, 1e-6]), np.array([0, 0, 1e-6, 2e-6])
    close(iou.iou_one(p, q), 0.5)
    close(iou.pairwise_iou([p], [q]), [[0.5]])


def test_integer_input_does_not_overflow():
    a = np.array([[0, 0, 200, 200]], dtype=np.uint8)
    b = np.array([[100, 0, 250, 200]], dtype=np.uint8)
    close(iou.pairwise_iou(a, b), [[100 / 250]])
    far = np.array([[0, 0, 20, 40], [21, 0, 23, 10]], dtype=np.uint8)
    assert iou.iou_one(*far) == 0  # 不转浮点，min - max 回绕成很大的正数


def test_mean_best_iou_averages_over_truths():
    anchors, truths = random_boxes(6, 4), random_boxes(4, 5)
    table = coco.iou(xywh(anchors), xywh(truths), [0] * 4)
    expected = sum(max(table[i, j] for i in range(6)) for j in range(4)) / 4
    close(iou.mean_best_iou(anchors, truths), expected)
    assert abs(table.max(axis=1).mean() - expected) > 1e-3  # 换成对 anchor 平均就是另一个数


def test_without_anchors_the_mean_is_an_error():
    with pytest.raises(ValueError):
        iou.mean_best_iou(np.empty((0, 4)), random_boxes(3, 7))


def test_shape_only_iou():
    a, b = random_boxes(5, 6), random_boxes(4, 7)
    sizes_a, sizes_b = xywh(a)[:, 2:], xywh(b)[:, 2:]
    small = np.minimum(sizes_a[:, None], sizes_b).prod(axis=-1)
    union = sizes_a.prod(axis=-1)[:, None] + sizes_b.prod(axis=-1) - small
    close(iou.pairwise_iou(iou.at_origin(a), iou.at_origin(b)), small / union)


# 等价变异：box + shift → box - shift：往哪个方向移，IoU 一样
@pytest.mark.parametrize(("side", "shift"), [(10, 2), (100, 2), (100, 20), (6, 1), (5, 7)])
def test_shifted_square(side, shift):
    inter = max(side - shift, 0) ** 2
    close(iou.shifted(side, shift), inter / (2 * side**2 - inter))
    inter = max(side + 1 - shift, 0) ** 2
    close(iou.shifted(side, shift, 1.0), inter / (2 * (side + 1) ** 2 - inter))


def test_figure_overlap():
    (ax,) = iou.figure_overlap().axes
    outlines = [line.get_xydata() for line in ax.get_lines()]
    p, q = ([*outline.min(axis=0), *outline.max(axis=0)] for outline in outlines[:2])
    assert (p, q) == ([0, 0, 5, 4], [3, 1, 9, 5])  # 图注写的就是这两个框
    for outline in outlines[:2]:  # 闭合的五点矩形，只走水平和竖直
        assert len(outline) == 5 and ((np.diff(outline, axis=0) == 0).sum(axis=1) == 1).all()
        np.testing.assert_array_equal(outline[0], outline[-1])
    inside = np.array(sorted(pixels(np.array(p, int), 0) & pixels(np.array(q, int), 0)))
    corners = [inside.min(axis=0), inside.max(axis=0) + 1]
    np.testing.assert_array_equal(outlines[2], corners)
    (patch,) = ax.collections
    shaded = patch.get_paths()[0].vertices
    np.testing.assert_array_equal([shaded.min(axis=0), shaded.max(axis=0)], corners)
    np.testing.assert_array_equal([label.xy for label in ax.texts[:2]], corners)
    value = coco.iou(xywh(np.array([p])), xywh(np.array([q])), [0])[0, 0]
    assert ax.texts[-1].get_text() == f"IoU = {value:.2f}"
    assert ax.texts[-1].get_position() == tuple(np.mean(corners, axis=0))
    assert ax.yaxis_inverted()


def test_figure_resolution():
    (ax,) = iou.figure_resolution().axes
    *curves, half = ax.get_lines()
    assert [curve.get_label() for curve in curves] == [f"shift {d} px" for d in (1, 2, 4)]
    for curve, shift in zip(curves, (1, 2, 4), strict=True):
        side, value = curve.get_data()
        np.testing.assert_allclose(side, 2 ** np.linspace(3, 9, 25))
        close(value, (side - shift) ** 2 / (2 * side**2 - (side - shift) ** 2))
    assert set(half.get_ydata()) == {0.5} and ax.get_ylim() == (0, 1)
