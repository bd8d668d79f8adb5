"""Bytes in, messages out: uvicorn, websockets and h11, and what is patched in them."""
