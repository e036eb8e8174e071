"""One Kafka connection: the framing machine and its driver."""
