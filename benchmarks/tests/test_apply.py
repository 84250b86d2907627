from pathlib import Path

import yaml

from benchmarks.apply import Build
from benchmarks.apply_table import table
from benchmarks.models import ROOT


def rows(build: str, *seconds: float) -> list[dict[str, object]]:
    return [{"build": build, "round": 1, "apply": number, "seconds": each} for number, each in enumerate(seconds)]


def test_both_builds_stand_beside_each_other_with_the_ratio_of_their_medians() -> None:
    failed = {"build": "this", "round": 2, "failed": "not within 120 s"}
    made = table({"rows": [*rows("baseline", 6.0, 5.0, 9.0), *rows("this", 4.5, 4.0, 7.0), failed]})
    assert "| baseline | 3 | 6.00 | 5.00 | 9.00 |" in made
    assert "| this | 3 | 4.50 | 4.00 | 7.00 |" in made
    assert made.endswith("Ratio of the medians, this build to the baseline: 0.75.")


def test_there_is_no_ratio_where_one_build_has_no_figures() -> None:
    assert "Ratio" not in table({"rows": rows("baseline", 6.0)})


def test_a_build_is_its_own_chart_example_and_images(tmp_path: Path) -> None:
    example = yaml.safe_load((ROOT / "examples" / "ocr-rec.yaml").read_text())
    for folder in ("images", "examples"):
        (tmp_path / folder).mkdir()
    images = yaml.safe_load((ROOT / "images" / "images.yaml").read_text()) | {"version": "0.0.9"}
    (tmp_path / "images" / "images.yaml").write_text(yaml.safe_dump(images))
    (tmp_path / "examples" / "ocr-rec.yaml").write_text(yaml.safe_dump(example))
    model = Build("baseline", tmp_path).example()["spec"]["model"]
    assert model["source"]["image"]["reference"] == "paddle-serving-example-ocr-rec:0.0.9"
    assert model["digest"] == example["spec"]["model"]["digest"]
