"""Typed clients in TypeScript and Python, made from the contract."""
