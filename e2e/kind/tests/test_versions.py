import pytest

from e2e.kind.versions import Version, parse, show


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("v3.22.0+gabc1234", (3, 22, 0)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32, 4)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.26 linux/amd64", (1, 26, 0)),
        ("go version go1.27rc1 linux/amd64", (1, 27, 0)),
        ("etcd Version: 3.6.4\nGit SHA: 3.1", (3, 6, 4)),
        ("go version devel +0123abc linux/amd64", None),
        ("", None),
    ],
)
def test_a_version_is_read_from_what_a_program_prints(text: str, version: Version | None) -> None:
    assert parse(text) == version


def test_versions_compare_as_numbers_not_as_text() -> None:
    old, new = parse("v1.9.10"), parse("v1.31.2")
    assert old is not None
    assert new is not None
    assert old < new


def test_a_version_is_shown_with_dots() -> None:
    assert show((1, 26, 2)) == "1.26.2"
