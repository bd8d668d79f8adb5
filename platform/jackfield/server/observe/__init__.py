"""Metrics, tracing, the lag of the loop, and what is redacted from all of them."""
