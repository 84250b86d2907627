from pathlib import Path

from paddle_serving_runtime.evidence.processor import Processor, parse_cpuinfo, this_processor

INTEL = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
stepping\t: 8
cache size\t: 107520 KB
flags\t\t: fpu vme sse4_1 sse4_2 avx avx2 fma f16c avx512f avx512_vnni amx_tile rdseed

processor\t: 1
model name\t: another one
flags\t\t: fpu
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes bf16 i8mm\nCPU implementer\t: 0x41\n"


def test_the_first_processor_is_named_with_the_flags_that_kernels_are_chosen_by() -> None:
    assert parse_cpuinfo(INTEL) == Processor(
        "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz, cpu family 6, model 143, stepping 8, cache size 107520 KB",
        ("amx_tile", "avx", "avx2", "avx512_vnni", "avx512f", "f16c", "fma", "sse4_1", "sse4_2"),
    )
    assert parse_cpuinfo(ARM) == Processor("", ("asimd", "bf16", "i8mm"))


def test_nothing_is_known_where_the_kernel_says_nothing(tmp_path: Path) -> None:
    assert this_processor(tmp_path / "none") == parse_cpuinfo("") == Processor("", ())


def test_this_machine_has_a_processor() -> None:
    assert this_processor().flags
