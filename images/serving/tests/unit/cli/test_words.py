from paddle_serving_runtime.words import counted


def test_one_is_not_many() -> None:
    assert [counted(number, "key") for number in (0, 1, 2)] == ["0 keys", "1 key", "2 keys"]
