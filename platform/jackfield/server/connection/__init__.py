"""One accepted WebSocket: its messages, its rate, its outbox and its end."""
