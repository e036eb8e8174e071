"""Compaction: every key keeps its latest record (reference section 8).

How the parts fit::

    manager         in the broker: picks the filthiest log, one round after the other
      config        log.cleaner.*
      selection     pure: what is dirty, what may be cleaned, how segments are grouped
      candidates    applies that to logs, and writes the job
      progress      cleaner-offset-checkpoint
      round         one log's compaction, which can end at any moment; failures: how
      process       a worker process, started at first need, gone when idle; wire: what is said to it
      inline        the same in place, for tests
      swap          puts a finished segment in the place of those it was made from, crash-safe
      figures       for metrics
    worker          in the process: jobs in, reports out
      job           what is to be done and what was done, and the two passes that do it
      batches       reads segments
      offset_map    pass 1: key -> last offset, in bounded memory
      scan          finds keys in batches without making records of them
      retention     pass 2: which batches and records stay; legacy: those of magic 0 and 1
      rebuild       writes what is left of a batch
      transactions  what was aborted, which markers are needed
      output        the new segment and its indexes
      throttle      log.cleaner.io.max.bytes.per.second

Nothing is imported here, so that the worker loads only what it needs.
"""
