"""Where the cluster's metadata lives: ranges, compare-and-swap, watches, leases."""
