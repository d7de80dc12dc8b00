"""Where the boxes of a pipeline stand."""

from itertools import combinations

from lineage.pipeline_drawing import HEIGHT, MAX_BOXES, WIDTH, draw


def test_who_waits_stands_to_the_right_and_no_box_covers_another() -> None:
    pairs = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]
    drawing = draw(5, pairs)
    assert drawing is not None
    boxes = drawing.boxes
    assert all(boxes[before].x < boxes[after].x for before, after in pairs)
    for one, other in combinations(boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    assert all(box.x + WIDTH <= drawing.width and box.y + HEIGHT <= drawing.height for box in boxes)
    assert len(drawing.lines) == len(pairs)


def test_circles_are_drawn_and_crowds_are_not() -> None:
    assert draw(2, [(0, 1), (1, 0)]) is not None
    assert draw(MAX_BOXES + 1, []) is None
    assert draw(0, []) is None
