"""Processes that every project has: found where the project has no file of that name."""
