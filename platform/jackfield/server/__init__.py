"""The front door: what judges a request, holds a conversation and calls a process."""
