"""A Paddle model on disk and in memory: what is in its files, with which switches it is computed, and the predictor."""
