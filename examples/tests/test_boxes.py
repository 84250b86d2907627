"""From probabilities to boxes, in the detectors."""

import numpy as np
import pytest

from examples.tests.test_packages import EXAMPLES, load

boxes = load(EXAMPLES / "ppocrv4-det/boxes.py")
SETTINGS = boxes.Settings(threshold=0.3, box_threshold=0.5, growth=1.6, thicken=False)


def page(height: int = 60, width: int = 100) -> np.ndarray:
    return np.zeros((height, width), dtype=np.float32)


def test_nothing_is_found_where_no_pixel_is_likely_enough() -> None:
    assert boxes.find_boxes(page(), 100, 60, SETTINGS).shape == (0, 4, 2)


def test_a_rectangle_is_grown_on_all_sides() -> None:
    probability = page()
    probability[20:31, 30:71] = 0.9
    (box,) = boxes.find_boxes(probability, 100, 60, SETTINGS)
    # between the middles of its pixels it is 40 x 10: 1.6 * 400 / 100 pixels wider on each side
    assert box.tolist() == [[24, 14], [76, 14], [76, 36], [24, 36]]


def test_a_box_is_in_pixels_of_the_picture_and_inside_it() -> None:
    probability = page()
    probability[20:31, 90:] = 0.9
    (box,) = boxes.find_boxes(probability, 200, 120, SETTINGS)
    assert box[:, 0].max() == 199
    assert box[:, 1].min() == 32


def test_areas_that_touch_at_a_corner_are_one_and_others_are_not() -> None:
    mask = page() > 0
    mask[2:4, 2:5] = mask[4:6, 5:8] = True
    mask[10:12, 20:22] = mask[10:12, 23:25] = True
    found = boxes.areas(mask)
    assert sorted(len(points) for points in found) == [4, 4, 8]


def test_an_area_whose_branches_meet_only_below_is_one() -> None:
    mask = page() > 0
    mask[2:8, [3, 9]] = True
    mask[8, 3:10] = True
    assert len(boxes.areas(mask)) == 1


def test_an_area_that_is_not_likely_enough_in_the_mean_is_left_out() -> None:
    probability = page()
    probability[20:31, 30:71] = 0.4
    assert not len(boxes.find_boxes(probability, 100, 60, SETTINGS))


@pytest.mark.parametrize("degrees", [0, 10, 30, 44])
def test_the_smallest_rectangle_is_found_however_it_is_turned(degrees: int) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-400, -100], [400, -100], [400, 100], [-400, 100]]) @ turn + 1000
    found, side = boxes.smallest_rectangle(np.rint(corners).astype(int))
    assert side == pytest.approx(200, abs=2)
    np.testing.assert_allclose(found, boxes.clockwise(corners), atol=2)


def test_boxes_of_a_line_are_read_from_the_left_although_the_right_one_is_a_little_higher() -> None:
    def at(x: int, y: int) -> np.ndarray:
        return np.array([[x, y], [x + 20, y], [x + 20, y + 10], [x, y + 10]])

    ordered = boxes.in_reading_order([at(50, 40), at(60, 10), at(10, 14)])
    assert [box[0].tolist() for box in ordered] == [[10, 14], [60, 10], [50, 40]]
