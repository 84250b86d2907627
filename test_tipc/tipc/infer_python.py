"""What test_serving_infer_python.sh runs: CONFIG [MODE [GPU_ID]] [--target local|kubernetes]."""

import sys

from tipc import stopping
from tipc.__main__ import main

if __name__ == "__main__":
    stopping.listen()
    sys.exit(main(sys.argv[1:], later=True))
