"""Bodies of Ops, and what lets the requests of a service share runs."""

from collections.abc import Mapping
from typing import Any

from images.serving.tests.unit.engine.batching.fake import Fake, ask, x
from images.serving.tests.unit.engine.batching.test_proved_runs import Counted
from paddle_serving_runtime.engine import DirectEngine
from paddle_serving_runtime.engine.proof import Proof, Trial
from paddle_serving_runtime.protocol.call import SERVICE, Call

SIZES = (2, 4)
GOLDEN = (x(1), x(2))

TWICE = """
    def preprocess(self, input_dicts, data_id, log_id):
        (values,) = input_dicts.values()
        if "raise" in values:
            raise ValueError("raised")
        if "parts" in values:
            return [{"x": part} for part in values["parts"]], False, None, ""
        return {"x": values["x"]}, False, None, ""
"""
TELLING = """
    def postprocess(self, input_dicts, fetched, data_id, log_id):
        answers = fetched if isinstance(fetched, list) else [fetched]
        return {"y": str([one["y"].tolist() for one in answers])}, None, ""
"""
PASSING = """
    def postprocess(self, input_dicts, fetched, data_id, log_id):
        return {"x": fetched["y"] + 1}, None, ""
"""
KEEPING = """
    def preprocess(self, input_dicts, data_id, log_id):
        (values,) = input_dicts.values()
        {keep}
        return {{"x": values["x"]}}, False, None, ""

    def postprocess(self, input_dicts, fetched, data_id, log_id):
        return {{"y": str((fetched["y"].tolist(), {kept}))}}, None, ""
"""


def prove(engine: DirectEngine, *golden: Mapping[str, Any], ledger: Counted | None = None) -> Mapping[str, Proof]:
    calls = [Call(SERVICE, dict(inputs)) for inputs in golden or GOLDEN]
    proofs = engine.prove(calls, Trial(SIZES, lambda: False), ledger or Counted())
    Fake.runs = []
    return proofs


def proved(engine: DirectEngine, ledger: Counted | None = None) -> DirectEngine:
    """After the first runs, of which many are audited."""
    assert all(proof.largest == max(SIZES) for proof in prove(engine, ledger=ledger).values())
    for _ in range(4):
        ask(engine, x(1), x(2))
    Fake.runs = []
    return engine
