"""The keys of config.yml that Paddle Serving 0.9.0 knows, and their types.

Source: paddle_serving_server 0.9.0, pipeline_server.py (ServerYamlConfChecker) and operator.py (init_from_dict).
"""

from collections.abc import Mapping

SERVER: Mapping[str, type] = {
    "rpc_port": int,
    "http_port": int,
    "grpc_gateway_port": int,
    "worker_num": int,
    "build_dag_each_worker": bool,
    "dag": dict,
    "op": dict,
}
DAG: Mapping[str, type] = {
    "retry": int,
    "client_type": str,
    "use_profile": bool,
    "channel_size": int,
    "is_thread_op": bool,
    "tracer": dict,
    "channel_recv_frist_arrive": bool,  # spelt so upstream
    "enable_prometheus": bool,
    "prometheus_port": int,
}
OP: Mapping[str, type] = {
    "concurrency": int,
    "timeout": int,
    "retry": int,
    "batch_size": int,
    "auto_batching_timeout": int,
    "local_service_conf": dict,
    "server_endpoints": list,
    "fetch_list": list,
    "client_config": str,
    "client_type": str,
    "use_encryption_model": bool,
    "encryption_key": str,
}
LOCAL: Mapping[str, type] = {
    "model_config": str,
    "client_type": str,
    "workdir": str,
    "thread_num": int,
    "device_type": int,
    "devices": str,
    "fetch_list": list,
    "mem_optim": bool,
    "ir_optim": bool,
    "precision": str,
    "use_calib": bool,
    "use_mkldnn": bool,
    "mkldnn_cache_capacity": int,
    "mkldnn_op_list": list,
    "mkldnn_bf16_op_list": list,
    "min_subgraph_size": int,
}
TYPES: Mapping[str, type] = {**SERVER, **DAG, **OP, **LOCAL}
"""Type by the last part of a key; no key has two types."""
AT_LEAST_ONE = ("concurrency", "retry", "batch_size", "thread_num", "worker_num")
AT_MOST: Mapping[str, int] = {"mkldnn_cache_capacity": 10_000}
"""Shapes that are kept take memory; a larger number would be no number for oneDNN, or no limit."""
WITHOUT_EFFECT: Mapping[str, tuple[object, ...]] = {
    "mkldnn_op_list": (None, []),
    "mkldnn_bf16_op_list": (None, []),
    "use_calib": (None, False),
    "use_encryption_model": (None, False),
}
"""Keys of an Op that Paddle Serving acts upon and this runtime does not, with the values that ask for nothing."""
DAG_WITHOUT_EFFECT: Mapping[str, tuple[object, ...]] = {
    "retry": (None, 1),
    "channel_recv_frist_arrive": (None, False),
}
"""The same for keys of `dag` and the direct engine, which has no channels."""
TYPE_NAMES: Mapping[type, str] = {
    int: "a whole number",
    bool: "true or false",
    str: 'text (in quotes, like "0")',
    list: "a list",
    dict: "a mapping",
}
