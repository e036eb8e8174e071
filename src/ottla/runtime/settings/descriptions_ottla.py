"""What the settings do that only Ottla has."""

DESCRIPTIONS = {
    "ottla.connection.max.in.flight.requests": (
        "How many produce requests of one connection may wait for their flush together; the next one is read when the "
        "first is answered. Any other request waits for the one before it, as in Kafka."
    ),
    "ottla.connection.write.buffer.bytes": (
        "How many bytes of answers may wait for one client to read them. Above that nothing more is taken from "
        "its connection until it has read; the other clients notice nothing."
    ),
    "ottla.fetch.response.max.bytes": (
        "How many bytes of records one answer to a fetch holds at most, whatever the client and fetch.max.bytes allow; "
        "a batch that is larger still goes out alone. The client fetches on; smaller answers need less memory for each "
        "consumer that is behind, and are faster because they stay in the processor's caches."
    ),
    "ottla.log.slow.request.ms": (
        "From how many milliseconds on a request is slow and worth a line in the log, at most one a second. The wait "
        "for its turn and the node's own work count, the wait for records or for members of a group does not. -1: "
        "never."
    ),
    "ottla.metadata.dir": (
        "The folder of the embedded metastore, which holds what there is to know of topics, settings and groups "
        "of brokers. Without it, the first folder of log.dirs."
    ),
    "ottla.metrics.listener": (
        "Where to serve /metrics, /healthz and /readyz over HTTP, as host:port, such as 127.0.0.1:9464; port 0 takes a "
        "free one, which the ready line names. An empty host stands for every address. Without it, nowhere."
    ),
    "ottla.metrics.max.series": (
        "How many topics, partitions, groups or partitions of groups one metric tells apart; what comes after them is "
        "summed up in a series of the name (other). So no client can fill the memory of who collects the metrics."
    ),
    "ottla.network.busy.poll.us": (
        "For how many microseconds the node waits awake for the next small request, while such requests have lately "
        "come that soon: being woken takes a sleeping processor as long as serving one. A broker that is asked some "
        "thousand times a second then uses a whole processor. 0: never; with a single processor it is never done."
    ),
    "ottla.produce.validation": (
        "How closely a produced batch is looked at where no rule of its topic asks for more. header: the header, "
        "the CRC and the first record. lengths: also whether an uncompressed batch holds as many records as it "
        "says. records: every field of every record, compressed ones included, as Kafka does; costs about 1 "
        "microsecond a record."
    ),
    "ottla.request.max.bytes": (
        "The largest request that is read, produce requests excepted, for which socket.request.max.bytes counts; a "
        "connection that announces a larger one is closed. In memory a request can take thirty times its bytes, a "
        "produce request hardly more than them."
    ),
}
