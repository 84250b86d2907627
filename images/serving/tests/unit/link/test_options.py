from dataclasses import replace

from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.paddle_model.batching import OFF, Batching
from paddle_serving_runtime.paddle_model.computing import Computing

OPTIONS = WorkerOptions(
    model_dir="/models",
    name="svc",
    socket="/run/w0.sock",
    busy_file="/run/w0.busy",
    report_fd=5,
    lifeline_fd=6,
    replay_fd=-1,
    replay_requests=0,
    max_body_bytes=100,
    computing=Computing(
        ir_optim=True,
        onednn=False,
        threads=1,
        device="cpu",
        overrides=(("op.rec.concurrency", "1"), ("a", 'b="c" \u00e9')),
        script="web_service_det.py --config=det.yml",
        backend="OpenVINO",
    ),
    batching=OFF,
    ledger="/run/ledger",
    log_level="info",
    engine="direct",
    index=1,
    legacy_status=False,
)


def test_options_survive_the_command_line() -> None:
    options = replace(OPTIONS, batching=Batching(16, 0.005), warmup=("x=1x3", "rec:x=2"))
    assert WorkerOptions.from_json(options.to_json()) == options
