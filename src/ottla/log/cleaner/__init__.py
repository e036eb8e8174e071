"""Compaction: every key keeps its latest record (reference section 8).

How the parts fit::

    manager     in the broker: picks the filthiest log, has it cleaned, swaps in what comes back
      selection   pure: what is dirty, what may be cleaned, how segments are grouped
      process     one worker process, started at first need, gone when idle
      swap        puts a finished segment in the place of those it was made from, crash-safe
    worker      in the process: jobs in, reports out
      job         what is to be done and what was done, and the two passes that do it
      offset_map  pass 1: key -> last offset, in bounded memory
      scan        finds keys in batches without making records of them
      retention   pass 2: which batches and records stay
      rebuild     writes what is left of a batch
      output      the new segment and its indexes
      transactions, throttle

Nothing is imported here, so that the worker loads only what it needs.
"""
