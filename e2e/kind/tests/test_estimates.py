import pytest

from e2e.kind.estimates import estimate


@pytest.mark.parametrize(
    ("artefact", "cores", "text"),
    [
        ("kubernetes-v1.34.4-f20ecfe5c7", 2, "about 4 min on 2 idle cores"),
        ("kubernetes-v1.34.4-f20ecfe5c7", 1, "about 9 min on 1 idle core"),
        ("kubernetes-v1.34.4-f20ecfe5c7", 16, "about 30 s on 16 idle cores"),
        ("kind-v0.33.0", 2, "about 20 s on 2 idle cores"),
        ("kind-v0.33.0", 64, "about 10 s on 64 idle cores"),
        ("local-path-provisioner-v0.0.30", 4, "about 40 s on 4 idle cores"),
        ("somebody-v1.0.0", 2, ""),
    ],
)
def test_a_build_says_how_long_it_takes(artefact: str, cores: int, text: str) -> None:
    assert estimate(artefact, cores) == text
