"""The page's own connections: an endpoint of ours that says what moves, and shows frames where that is allowed."""
