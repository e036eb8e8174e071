"""What a node shows of itself: its figures for Prometheus, and whether it lives and serves.

::

    requests, topics, partitions, groups, connections, process, overview
                    what there is to be told of one part of the node: the metrics' descriptions beside what reads them
    catalogue       all of them, for the page docs/metrics.md and for who collects
    collected       the text of a scrape, made in slices between which the event loop turns
    listener        /metrics, /healthz and /readyz over HTTP

Nothing here is imported unless ``ottla.metrics.listener`` is set. Nothing here counts: the counters are attributes of
those who do what is counted, and are read when they are asked for.
"""
