"""From an outcome to what the director reads: small, valid, and kept whole elsewhere."""
