"""What figures hold against NumPy, scikit-learn and the formulas themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix

import graphflow as gf
from graphflow.data import Dataset, registry
from graphflow.figures import figures_of
from graphflow.figures.gather import Material, describe
from graphflow.figures.gather.images import as_images, corner_form
from graphflow.figures.gather.matrices import confusion_counts, principal

DIGITS = """
graphflow: 1
name: digits by one linear map
inputs: {x: {shape: [B, 64]}, y: {shape: [B], dtype: int}}
params: {w: {shape: [64, 10], init: normal(std=0.1)}}
nodes:
  scores: x @ w
  loss: cross_entropy(scores, y)
  first: x[:, 20]
  double: 2 * first
  prior: mean(softmax(scores, axis=1), axis=0)
  gram: x @ transpose(x)
outputs: [scores]
data: {source: digits, feed: {x: pixels / 16, y: label}, batch: 100, %s}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1, report: [loss]}
figures:
  %s
"""
SPLIT = "split: {train: 0.8, test: 0.2}"


def described(figure: str, split: str = SPLIT):
    model = gf.loads(DIGITS % (split, f"f: {figure}"))
    return model, describe("f", model.document.figures["f"], Material(model))


def test_a_confusion_matrix_is_that_of_scikit_learn_over_the_whole_part():
    model, shown = described(
        "{kind: confusion_matrix, target: y, predicted: scores}", "shuffle: false"
    )
    data = load_digits()
    guess = np.argmax(data.data / 16 @ model.parameters["w"], axis=1)
    np.testing.assert_array_equal(shown.panels[0].values, confusion_matrix(data.target, guess))


def test_a_confusion_matrix_of_some_samples_counts_those():
    figure = "{kind: confusion_matrix, target: y, predicted: scores, count: 250}"
    model, shown = described(figure, "shuffle: false")
    data = load_digits()
    guess = np.argmax(data.data[:250] / 16 @ model.parameters["w"], axis=1)
    expected = confusion_matrix(data.target[:250], guess, labels=range(10))
    np.testing.assert_array_equal(shown.panels[0].values, expected)


def test_shares_of_a_confusion_matrix_add_up_to_one():
    _, shown = described("{kind: confusion_matrix, target: y, predicted: scores, share: true}")
    np.testing.assert_allclose(shown.panels[0].values.sum(axis=1), 1)


@pytest.mark.parametrize("shape", [(50,), (4, 5, 6)])
def test_scores_count_as_the_class_of_the_largest(shape):
    random = np.random.default_rng(0)
    target = random.integers(0, 3, shape)
    axis = 1 if len(shape) == 3 else -1
    scores = np.moveaxis(random.normal(size=(*shape, 3)), -1, axis)
    expected = confusion_matrix(target.ravel(), scores.argmax(axis).ravel(), labels=range(3))
    np.testing.assert_array_equal(confusion_counts(target, scores), expected)


def test_targets_below_zero_count_for_nothing():
    counts = confusion_counts(np.array([0, -100, 1]), np.array([0, 1, 1]))
    assert counts.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_an_embedding_lies_as_the_singular_values_say(dimensions):
    rows = np.random.default_rng(1).normal(size=(40, 7)) * np.arange(1, 8)
    points, shares = principal(rows, dimensions)
    centred = rows - rows.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:dimensions].T
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-10)
    np.testing.assert_allclose(shares, (sizes**2 / (sizes**2).sum())[:dimensions])


def test_an_embedding_leaves_out_rows_that_are_not_finite():
    rows = np.random.default_rng(2).normal(size=(10, 4))
    whole, _ = principal(rows[1:], 2)
    rows[0, 2] = np.nan
    points, _ = principal(rows, 2)
    np.testing.assert_allclose(points[1:], whole)
    assert points[0].tolist() == [0, 0]
    assert principal(rows[:1], 2)[0].tolist() == [[0, 0]]


def test_the_first_samples_of_a_part_are_shown_in_their_order():
    _, shown = described("{kind: images, of: x, labels: y, count: 5}", "shuffle: false")
    data = load_digits()
    assert [p.title for p in shown.pictures] == [str(label) for label in data.target[:5]]
    for picture, image in zip(shown.pictures, data.images, strict=False):
        np.testing.assert_allclose(picture.pixels, image / 16, rtol=1e-6)


def test_samples_of_several_batches_are_joined():
    _, shown = described("{kind: scatter, x: first, y: double, count: 250}", "shuffle: false")
    pixels = load_digits().data[:250, 20] / 16
    np.testing.assert_allclose(shown.series[0].x, pixels, rtol=1e-6)
    np.testing.assert_allclose(shown.series[0].y, 2 * pixels, rtol=1e-6)


def test_a_line_over_a_node_goes_in_its_order():
    _, shown = described("{kind: line, x: first, y: double}")
    x = np.asarray(shown.series[0].x)
    assert len(x) == 359 and (np.diff(x) >= 0).all()
    np.testing.assert_allclose(shown.series[0].y, 2 * x, rtol=1e-6)


def test_curves_are_called_as_the_figure_says():
    _, shown = described("{kind: line, x: first, y: [double, first], names: [twice, once]}")
    assert [series.name for series in shown.series] == ["twice", "once"]
    with pytest.raises(gf.GraphflowError, match="GF030: 1 names for 2 curves"):
        described("{kind: line, x: first, y: [double, first], names: [twice]}")


@pytest.mark.parametrize("batch", [100, 10])
def test_a_vector_over_data_is_the_mean_of_all_batches(batch, monkeypatch):
    """Also where there are as many samples in a batch as entries in the vector."""
    monkeypatch.setitem(globals(), "DIGITS", DIGITS.replace("batch: 100", f"batch: {batch}"))
    model, shown = described("{kind: bar, of: prior}", "shuffle: false")
    scores = load_digits().data[:1000] / 16 @ np.asarray(model.parameters["w"], np.float64)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shown.values[0], chances.mean(axis=0), rtol=1e-5)


def test_batches_of_other_shapes_make_no_one_value():
    message = r"batches give 'gram' the shapes \(100, 100\) and \(97, 97\)"
    with pytest.raises(gf.GraphflowError, match=message):
        described("{kind: heatmap, of: gram, count: 1797}", "shuffle: false")


def test_several_matrices_are_called_by_names_or_by_what_they_are():
    named = "{kind: heatmap, of: [w, gram], names: [weights, products], count: 100}"
    _, shown = described(named, "shuffle: false")
    assert [panel.title for panel in shown.panels] == ["weights", "products"]
    assert [panel.values.shape for panel in shown.panels] == [(64, 10), (100, 100)]
    _, shown = described("{kind: heatmap, of: [w, gram], count: 100}", "shuffle: false")
    assert [panel.title for panel in shown.panels] == ["w", "gram"]
    with pytest.raises(gf.GraphflowError, match="1 'names' for 2 values"):
        described("{kind: heatmap, of: [w, gram], names: [weights]}")


def test_an_entry_of_an_axis_of_samples_may_not_be_there():
    with pytest.raises(gf.GraphflowError, match="'y\\[5000\\]': the axis has 1000 entries"):
        described("{kind: bar, of: 'y[5000]'}", "shuffle: false")


def test_gradients_are_those_of_the_loss_on_the_first_batch():
    model, shown = described("{kind: histogram, of: [w, w.grad]}", "shuffle: false")
    data = load_digits()
    x, w = data.data[:100] / 16, np.asarray(model.parameters["w"], np.float64)
    scores = np.exp(x @ w)
    chances = scores / scores.sum(axis=1, keepdims=True)
    expected = x.T @ (chances - np.eye(10)[data.target[:100]]) / 100
    (_, weights), (_, gradients) = shown.samples
    np.testing.assert_array_equal(weights, model.parameters["w"])
    np.testing.assert_allclose(gradients, expected, atol=1e-6)


def test_a_part_that_the_source_does_not_have_is_told():
    with pytest.raises(gf.GraphflowError, match="the data have no part 'tset'") as caught:
        described("{kind: images, of: x, part: tset}", "shuffle: false")
    assert caught.value.diagnostics[0].help == "parts are train"


VALLEY = """
graphflow: 1
name: a valley
params: {x: {shape: [2], init: zeros}}
nodes: {f: '0.1 * x[0] ** 2 + 2 * x[1] ** 2', next: 'x - 0.4 * gradient(f, x)'}
updates: {x: next}
outputs: [f]
run: {steps: 20, history: [x, f]}
figures:
  path: {kind: %s, of: f, x: 'x[0]', y: 'x[1]', x_range: [-5.5, 1], y_range: [-3, 1],
         points: 9, trajectory: true}
"""


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_a_grid_holds_the_formula_and_the_run_its_way_over_it(kind):
    model = gf.loads(VALLEY % kind)
    history = {"x": (np.arange(3), np.array([[-5.0, -2], [-4.6, 1.2], [-4.2, -0.7]]))}
    material = Material(model, history=history)
    shown = describe("path", model.document.figures["path"], material)
    x, y = np.meshgrid(np.linspace(-5.5, 1, 9), np.linspace(-3, 1, 9))
    np.testing.assert_allclose(shown.z, 0.1 * x**2 + 2 * y**2, rtol=1e-14)
    (path,) = shown.paths
    np.testing.assert_array_equal(np.stack([path.x, path.y], 1), history["x"][1])
    if kind == "surface":
        np.testing.assert_allclose(path.z, 0.1 * path.x**2 + 2 * path.y**2, rtol=1e-12)


def test_a_run_that_has_kept_nothing_yet_has_no_path():
    assert all(t.name != "the run" for t in figures_of(gf.loads(VALLEY % "contour"))["path"].data)


def test_a_history_is_not_drawn_over_epochs():
    text = (VALLEY % "contour").partition("figures:")[0]
    model = gf.loads(text + "figures: {f: {kind: line, y: f, x: epoch}}\n")
    material = Material(model, history={"f": (np.arange(3), np.zeros(3))})
    with pytest.raises(gf.GraphflowError, match="the history of 'f' is kept by steps"):
        describe("f", model.document.figures["f"], material)


def test_a_history_over_another_is_the_way_of_the_run():
    text = (VALLEY % "contour").partition("figures:")[0]
    model = gf.loads(text + "figures: {way: {kind: line, x: 'x[0]', y: f}}\n")
    x = np.array([[-1.0, 0], [0.5, 0], [-0.25, 0], [0.125, 0]])
    kept = {"x": (np.arange(4), x), "f": (np.arange(3), np.array([3.0, 2, 1]))}
    (way,) = describe("way", model.document.figures["way"], Material(model, history=kept)).series
    np.testing.assert_array_equal(way.x, [-1, 0.5, -0.25])
    np.testing.assert_array_equal(way.y, [3, 2, 1])


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        ("w", ["w[0, 0]", "w[0, 1]", "w[1, 0]", "w[1, 1]"]),
        ("'w[1]'", ["w[1, 0]", "w[1, 1]"]),
        ("'w[:, 1]'", ["w[0, 1]", "w[1, 1]"]),
        ("'w[0, 1]'", ["w[0, 1]"]),
    ],
)
def test_entries_of_a_history_are_called_by_their_places(shown, names):
    head = "graphflow: 1\nname: n\nparams: {w: {shape: [2, 2], init: 0}}\nnodes: {f: sum(w)}\n"
    model = gf.loads(f"{head}figures: {{way: {{kind: line, y: {shown}}}}}\n")
    values = np.arange(12.0).reshape(3, 2, 2)
    material = Material(model, history={"w": (np.arange(3), values)})
    series = describe("way", model.document.figures["way"], material).series
    assert [one.name for one in series] == names
    for one in series:
        place = one.name.removeprefix("w[").removesuffix("]").split(", ")
        np.testing.assert_array_equal(one.y, values[:, int(place[0]), int(place[1])])


def test_a_way_wants_one_number_a_step():
    text = (VALLEY % "contour").partition("figures:")[0]
    model = gf.loads(text + "figures: {way: {kind: line, x: x, y: f}}\n")
    kept = {"x": (np.arange(3), np.zeros((3, 2))), "f": (np.arange(3), np.zeros(3))}
    with pytest.raises(gf.GraphflowError, match="'x' has 2 numbers a step") as caught:
        describe("way", model.document.figures["way"], Material(model, history=kept))
    assert caught.value.diagnostics[0].help == "name one of them, such as x[0]"


def test_the_loss_over_two_weights_uses_the_training_data():
    model, shown = described(
        "{kind: contour, of: loss, x: 'w[20, 0]', y: 'w[30, 1]', x_range: [-1, 1],"
        " y_range: [-1, 1], points: 2}",
        "shuffle: false",
    )
    data = load_digits()
    x, w = data.data[:100] / 16, np.array(model.parameters["w"], np.float64)
    for i, b in enumerate((-1, 1)):
        for j, a in enumerate((-1, 1)):
            w[20, 0], w[30, 1] = a, b
            scores = x @ w
            log_sum = np.log(np.exp(scores).sum(axis=1))
            loss = np.mean(log_sum - scores[np.arange(100), data.target[:100]])
            assert shown.z[i, j] == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize(
    ("format", "box"), [("xyxy", [1, 2, 5, 8]), ("xywh", [1, 2, 4, 6]), ("cxcywh", [3, 5, 4, 6])]
)
def test_boxes_of_every_format_are_the_same_box(format, box):
    assert corner_form(np.array([box]), format).tolist() == [[1, 2, 5, 8]]


def test_images_are_recognised_by_their_axes():
    random = np.random.default_rng(3)
    colours = random.normal(size=(2, 3, 4, 5))
    np.testing.assert_array_equal(as_images(colours, None, None)[1], colours[1].transpose(1, 2, 0))
    flat = random.normal(size=(2, 12))
    np.testing.assert_array_equal(as_images(flat, (3, 4), None)[0], flat[0].reshape(3, 4))
    with pytest.raises(gf.GraphflowError, match="12 pixels make no square image"):
        as_images(flat, None, None)


def test_images_as_training_sees_them_are_changed_at_random():
    mirrored = DIGITS.replace("x: pixels / 16", "x: flatten(random_horizontal_flip(image))")
    found = {}
    for mode in ("eval", "train"):
        figure = f"f: {{kind: images, of: x, labels: [y], mode: {mode}, count: 40, part: train}}"
        model = gf.loads(mirrored % ("", figure))
        made = describe("f", model.document.figures["f"], Material(model))
        found[mode] = [(p.pixels, int(p.title)) for p in made.pictures]
    image, label = load_digits().images, load_digits().target
    turned = 0
    for mode, shown in found.items():
        for pixels, title in shown:
            own = image[label == title]
            as_it_is, other_way = (
                (seen == pixels).all(axis=(1, 2)).any() for seen in (own, own[:, :, ::-1])
            )
            assert as_it_is if mode == "eval" else as_it_is or other_way
            turned += other_way and not as_it_is
    assert 5 < turned < 35


OBJECTS = """
graphflow: 1
name: boxes and masks
inputs: {image: {shape: [B, 1, 4, 8]}}
params:
  boxes: {shape: [1, 2, 4], init: 'reshape([0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0], [1, 2, 4])'}
  labels: {shape: [1, 2], init: 'reshape([1, -1], [1, 2])'}
  scores: {shape: [1, 2], init: 'reshape([0.9, 0.9], [1, 2])'}
nodes: {mask: 'concat(0.5 - image, image - 0.5, axis=1)'}
outputs: [mask]
data: {source: blank}
figures:
  boxes: {kind: boxes, image: image, boxes: boxes, labels: labels, scores: scores, unit: share,
          format: cxcywh, names: [cat, dog]}
  masks: {kind: segmentation, image: image, mask: mask, names: [ground, sky]}
"""


@pytest.fixture
def blank(monkeypatch):
    monkeypatch.setattr(registry, "_SOURCES", dict(registry.sources()))

    @registry.register("blank", columns={"image": "one image"})
    def blank():
        """An image that is bright above."""
        image = np.zeros((1, 1, 4, 8), np.float32)
        image[..., :2, :] = 1
        return Dataset("blank", {"image": image}, "bright above")


def test_rows_of_pixels_have_the_shape_that_their_source_says(monkeypatch):
    monkeypatch.setattr(registry, "_SOURCES", dict(registry.sources()))
    colours = np.random.default_rng(4).random((5, 3, 2, 6))
    rows = Dataset("wide", {"pixels": colours.reshape(5, -1)}, "wide images")
    registry.register("wide", columns={"pixels": "rows"}, images={"pixels": (3, 2, 6)})(
        lambda: rows
    )
    model = gf.loads("""
graphflow: 1
name: wide images
inputs: {x: {shape: [B, 36]}}
nodes: {half: x / 2}
data: {source: wide, feed: {x: 2 * pixels}}
figures: {seen: {kind: images, of: x}, computed: {kind: images, of: half}}
""")
    material, figures = Material(model), model.document.figures
    seen = describe("seen", figures["seen"], material).pictures
    for picture, image in zip(seen, colours, strict=True):
        np.testing.assert_allclose(picture.pixels, 2 * image.transpose(1, 2, 0), rtol=1e-6)
    # of what is computed nobody says it: 36 pixels are a square
    assert describe("computed", figures["computed"], material).pictures[0].pixels.shape == (6, 6)


def test_boxes_and_masks_lie_on_their_image(blank):
    model = gf.loads(OBJECTS)
    material = Material(model)
    figures = model.document.figures
    (picture,) = describe("boxes", figures["boxes"], material).pictures
    (box,) = picture.boxes
    assert box.corners == (2, 1, 6, 3)
    assert (box.text, box.group) == ("dog 0.90", 1)
    (picture,) = describe("masks", figures["masks"], material).pictures
    assert picture.mask.tolist() == [[1] * 8] * 2 + [[0] * 8] * 2


def test_texts_are_written_out_by_the_vocabulary_of_their_column():
    model = gf.loads("""
graphflow: 1
name: sentences
inputs: {tokens: {shape: [T, B], dtype: int}}
nodes: {by_text: 'transpose(tokens)'}
outputs: [by_text]
data: {source: sentences, level: char, steps: 16, batch: 4, feed: {tokens: tokens}}
figures: {texts: {kind: text, of: by_text, tokens: tokens, count: 2}}
""")
    shown = describe("texts", model.document.figures["texts"], Material(model))
    assert len(shown.rows) == 2
    assert all(len(text) == 16 and set(text) <= set(" .abcdefghijklmnopqrstuvwxyz")
               for _, text in shown.rows)  # fmt: skip
