"""Converts both networks: python3 convert.py --dirname=.../det_server ..., as paddle_serving_client.convert is called.

The lines of a configuration name one model, the detector; the recognizer lies beside it, under the same names with
`rec_` for `det_`.
"""

import subprocess
import sys

for model in ("det_", "rec_"):
    arguments = [argument.replace("det_", model) for argument in sys.argv[1:]]
    subprocess.run([sys.executable, "-m", "paddle_serving_client.convert", *arguments], check=True)
