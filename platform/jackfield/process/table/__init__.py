"""Processes that are tables of a spreadsheet: one row answers a message."""
