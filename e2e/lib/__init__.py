"""What the end-to-end tests are written in: given, when, then, and what stands below them."""
