"""What a model package is made of: its files, its golden samples, and the digest of all."""
