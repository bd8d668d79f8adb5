"""The open connections of this node."""
