"""Principals, SASL exchanges, ACL decisions, TLS contexts."""
