"""The server: from a request to a conversation to the call of a process."""
