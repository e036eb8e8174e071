"""Record batches: header view, iterate, build, compress, validate."""
