"""The life of one server: open, listen, control, drain, close."""
