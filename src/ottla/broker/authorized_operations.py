"""What a client may do, as bits (``Utils.to32BitField`` of ``AclOperation`` codes).

Nothing is forbidden yet: whoever asks is told all operations that the kind of resource knows.
"""

NOT_ASKED = -(2**31)
"""What a response says if the request did not ask."""


def _bits(*codes: int) -> int:
    return sum(1 << code for code in codes)


READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE = 3, 4, 5, 6, 7, 8
CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE = 9, 10, 11, 12

TOPIC_OPERATIONS = _bits(READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS)
CLUSTER_OPERATIONS = _bits(CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE)
