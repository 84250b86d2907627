"""Configurations as the first generation of TIPC tests has them."""

import textwrap

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
