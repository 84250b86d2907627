import os

import pytest

from benchmarks.servers import sum_of
from benchmarks.soak import memory_and_threads, sample
from benchmarks.startup import pss_mib

METRICS = """# HELP a_total x
a_total{code="200",protocol="JSON"} 3.0
a_total{code="200",protocol="gRPC"} 4.0
a_total{code="429",protocol="JSON"} 5.0
a_total_more 9.0
b_sum 0.5
"""


def test_memory_and_threads_of_a_status() -> None:
    assert memory_and_threads("Name:\tx\nVmRSS:\t  2048 kB\nThreads:\t3\n") == (2.0, 3)


def test_a_process_that_is_only_waited_for_has_no_memory() -> None:
    assert memory_and_threads("Name:\tx\nState:\tZ\n") == (0.0, 0)


def test_a_process_that_has_ended_is_left_out_of_a_sample() -> None:
    (found,) = sample([os.getpid(), 2**22 + 1])
    assert found["rss_mib"] > 1
    assert found["fds"] >= 3
    assert found["threads"] >= 1


def test_pss_is_read_in_mib() -> None:
    assert pss_mib("00400000-7ffe ---p 00000000 [rollup]\nRss: 4096 kB\nPss: 3072 kB\n") == 3.0


def test_a_file_without_pss_is_an_error() -> None:
    with pytest.raises(ValueError, match="Pss"):
        pss_mib("Rss: 1 kB\n")


def test_metrics_are_added_up_by_label_and_exact_name() -> None:
    assert sum_of(METRICS, "a_total", 'code="200"') == 7.0
    assert sum_of(METRICS, "a_total") == 12.0
    assert sum_of(METRICS, "b_sum") == 0.5
    assert sum_of(METRICS, "absent") == 0.0
