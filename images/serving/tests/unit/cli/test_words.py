from paddle_serving_runtime.words import counted, visible


def test_one_is_not_many() -> None:
    assert [counted(number, "key") for number in (0, 1, 2)] == ["0 keys", "1 key", "2 keys"]


def test_nothing_that_others_wrote_is_an_order_to_the_terminal_or_a_line_of_ours() -> None:
    assert visible("Größe 文 a b") == "Größe 文 a b"
    assert visible("x\x1b[2J\nConfirmed\u202e\x9b") == "x\\x1b[2J\\nConfirmed\\u202e\\x9b"
