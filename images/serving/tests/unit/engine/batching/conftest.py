import pytest

from images.serving.tests.unit.engine.batching.fake import Fake
from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.engine import direct


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    serving_packages.install()
    monkeypatch.setattr(direct, "Predictor", Fake)
    monkeypatch.setattr(Fake, "model", staticmethod(lambda x: x * 2))
    monkeypatch.setattr(Fake, "shapes", {"x": (-1, -1), "y": (-1, -1)})
