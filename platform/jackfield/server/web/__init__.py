"""Plain HTTP: pages, documents, login and administration."""
