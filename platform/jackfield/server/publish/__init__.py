"""Files -> a generation -> live."""
