"""Python files -> the processes in them, loaded and isolated by generation."""
