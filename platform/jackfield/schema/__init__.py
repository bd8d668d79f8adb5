"""JSON Schema: a validator with bounded cost, its patterns, and samples that fit."""
