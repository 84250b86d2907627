"""`make fuzz` runs these parsers for as long as one likes; here is what it starts from."""

import pytest

from images.serving.tests.fuzz.parsers import PARSERS, Parser
from images.serving.tests.fuzz.seeds import TARS
from images.serving.tests.fuzz.tar import with_checksums

SEEDS = [(name, index) for name, parser in PARSERS.items() for index in range(len(parser.seeds))]


@pytest.mark.parametrize(("name", "index"), SEEDS)
def test_every_seed_is_read(name: str, index: int) -> None:
    parser = PARSERS[name]
    assert parser.accepts(parser.seeds[index])


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_every_seed_cut_off_anywhere_is_read_or_refused(parser: Parser) -> None:
    for seed in parser.seeds:
        for end in range(0, len(seed), 1 + len(seed) // 40):
            parser.accepts(seed[:end])


def test_a_tar_whose_checksums_are_right_stays_as_it_is() -> None:
    for tar in TARS:
        assert with_checksums(tar) == tar


def test_an_exception_that_is_no_refusal_comes_through() -> None:
    def divides(data: bytes) -> None:
        if 1 / len(data) < 0.5:
            raise ValueError

    parser = Parser(divides, (ValueError,), ())
    assert (parser.accepts(b"1"), parser.accepts(b"123")) == (True, False)
    with pytest.raises(ZeroDivisionError):
        parser.accepts(b"")
