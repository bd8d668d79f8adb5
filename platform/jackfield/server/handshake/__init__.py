"""Whether an upgrade may enter, and whether a connection may stay."""
