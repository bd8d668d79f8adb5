"""A function and its hints -> a compiled call, its JSON Schemas and its parameters."""
