"""The JSON Schemas that the documents share."""
