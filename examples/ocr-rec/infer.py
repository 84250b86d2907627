"""The author's own Paddle Inference script: python infer.py golden/hello.json prints one JSON object.

`paddle-serving-runtime record . -- python infer.py` stores what it prints under golden/expected.
"""

import json
import sys
from pathlib import Path

from ctc import greedy_decode, load_characters
from paddle import inference
from preprocess_ops import decode_image, resize_and_normalize

HERE = Path(__file__).resolve().parent
MODEL = HERE / "ocr_rec_server"


def create_predictor():
    config = inference.Config(str(MODEL / "inference.pdmodel"), str(MODEL / "inference.pdiparams"))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(1)
    return inference.create_predictor(config)


def predict(predictor, array):
    handle = predictor.get_input_handle(predictor.get_input_names()[0])
    handle.reshape(array.shape)
    handle.copy_from_cpu(array)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def main():
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    image = dict(zip(request["key"], request["value"], strict=True))["image"]
    probabilities = predict(create_predictor(), resize_and_normalize(decode_image(image)))
    text, score = greedy_decode(probabilities[0], load_characters(HERE / "ppocr_keys_v1.txt"))
    print(json.dumps({"text": [text], "score": [score]}, ensure_ascii=False))


if __name__ == "__main__":
    main()
