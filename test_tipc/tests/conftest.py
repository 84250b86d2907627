import sys
import textwrap
from pathlib import Path

import pytest

# The harness is started as `python3 -m tipc` with its folder on PYTHONPATH; it is not an installed package.
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

OCR_MATRIX = textwrap.dedent(
    """\
    ===========================serving_params===========================
    model_name:ocr_det
    python:python3
    trans_model:-m paddle_serving_client.convert
    --dirname:./inference/det/
    --model_filename:inference.pdmodel
    --params_filename:inference.pdiparams
    --serving_server:./deploy/pdserving/det_server/
    --serving_client:./deploy/pdserving/det_client/
    serving_dir:./deploy/pdserving
    web_service:web_service_det.py --config=config.yml --opt op.det.concurrency=1
    op.det.local_service_conf.devices:null|0
    op.det.local_service_conf.use_mkldnn:True|False
    op.det.local_service_conf.thread_num:1|6
    op.det.local_service_conf.use_trt:False|True
    op.det.local_service_conf.precision:fp32|fp16|int8
    pipline:pipeline_rpc_client.py|pipeline_http_client.py
    --image_dir:../../doc/imgs
    """
)
ALEXNET = textwrap.dedent(
    """\
    ===========================serving_params===========================
    model_name:AlexNet
    python:python3.7
    trans_model:-m paddle_serving_client.convert
    --dirname:./alexnet_infer/
    --model_filename:inference.pdmodel
    --params_filename:inference.pdiparams
    --serving_server:./deploy/serving/alexnet_server
    --serving_client:./deploy/serving/alexnet_client
    serving_dir:./deploy/serving
    web_service:web_service.py
    op.alexnet.local_service_conf.devices:0
    null:null
    null:null
    null:null
    null:null
    pipline:pipeline_http_client.py
    --img-path:../../images/demo.jpg"""
)


@pytest.fixture
def ocr_matrix() -> str:
    """The largest configuration of PaddleOCR's 2021 tests, in shape."""
    return OCR_MATRIX


@pytest.fixture
def alexnet() -> str:
    """The one-line matrix of the specification's example; like it, without a final newline."""
    return ALEXNET


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parents[2]
