"""Kafka's wire messages, generated, and the versions of them that are served."""
