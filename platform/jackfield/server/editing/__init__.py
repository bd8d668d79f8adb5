"""The project's files as the page edits them: which they are, read, saved, and checked before they are."""
