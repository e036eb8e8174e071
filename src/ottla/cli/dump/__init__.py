"""``ottla log dump``: what stands in the files of a log directory, read without a broker."""
