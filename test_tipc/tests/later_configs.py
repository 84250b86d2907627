"""Configurations of test_serving_infer_python.sh, in shape those of the repositories that they are named after."""

HEAD = """\
===========================serving_params===========================
model_name:fake
python:python3
"""
MODEL = """\
trans_model:-m paddle_serving_client.convert
--dirname:./inference
--model_filename:inference.pdmodel
--params_filename:inference.pdiparams
--serving_server:./deploy/serving/server/
--serving_client:./deploy/serving/client/
serving_dir:./deploy/serving
"""
MOBILENET_13 = f"{HEAD}{MODEL}web_service:web_service.py\npipline:pipeline_http_client.py\n--image_dir:cat\n"
MOBILENET_14 = (
    f"{HEAD}{MODEL}web_service:web_service.py --config=config.yml \n"
    'op.m.local_service_conf.devices:"0"|null\npipline:pipeline_http_client.py\n--image_dir:cat\n'
).replace("\nop.m", "\n--opt op.m")
SEG = (
    f"{HEAD}{MODEL}web_service:./web_service.py --config=config.yml \n"
    '--opt op.m.local_service_conf.devices:"0"|null\n--output_name:argmax_0.tmp_0\npipline:./pipeline_http_client.py\n'
    "--img_path:cat\n--input_name:x\n"
)
CLAS = (
    f"{HEAD}inference_model_url:https://host.example/m_infer.tar\n{MODEL}web_service:web_service.py\n--use_gpu:0|null\n"
    "pipline:pipeline_http_client.py\n"
)
OCR = f"""\
{HEAD}trans_model:-m paddle_serving_client.convert
--det_dirname:./inference
--model_filename:inference.pdmodel
--params_filename:inference.pdiparams
--det_serving_server:./deploy/serving/server/
--det_serving_client:./deploy/serving/client/
--rec_dirname:null
--rec_serving_server:null
--rec_serving_client:null
serving_dir:./deploy/serving
web_service:web_service.py --config=config.yml --opt op.det.concurrency="1"
op.det.local_service_conf.devices:gpu|null
op.det.local_service_conf.use_mkldnn:False|True
op.det.local_service_conf.thread_num:6
op.det.local_service_conf.use_trt:False
op.det.local_service_conf.precision:fp32
op.det.local_service_conf.model_config:
op.rec.local_service_conf.model_config:
pipline:pipeline_http_client.py
--image_dir:cat
"""
OCR_SYSTEM = (
    OCR.replace("--rec_dirname:null", "--rec_dirname:./inference")
    .replace("--rec_serving_server:null", "--rec_serving_server:./deploy/serving/rec_server/")
    .replace("--rec_serving_client:null", "--rec_serving_client:./deploy/serving/rec_client/")
)
DETECTION = """\
===========================serving_infer_python_params===========================
model_name:picodet
python:python3
filename:null
##
--output_dir:./output_inference
weights:https://host.example/picodet.pdparams
norm_export:tools/export_model.py -c picodet.yml --export_serving_model True -o
"""
SHITU = f"{HEAD}cls_inference_model_url:https://host.example/rec.tar\ndet_inference_model_url:https://host.example/det.tar\n"
CPP = (
    f"{HEAD}{MODEL}--model:serving_server\n--op:GeneralClasOp\n--port:9997\n--gpu_id:null\n"
    "cpp_client:serving_client.py\n"
)
CLAS_CPP = CLAS.replace("web_service:web_service.py", "web_service:null")
