"""A kettle, run by `KEY=… python device.py`: warm while it is on."""

import json
import os

from websockets.sync.client import connect

temperature, on = 20, False
address = os.environ.get("SERVER", "ws://127.0.0.1:8000") + "/ws/devices"
with connect(address, additional_headers={"Authorization": f"Bearer {os.environ['KEY']}"}) as server:
    while True:
        temperature = min(temperature + 1, 100) if on else max(temperature - 1, 20)
        server.send(json.dumps({"temperature": temperature}))
        try:
            told = json.loads(server.recv(timeout=0.5))
            on = told["on"]
            server.send(json.dumps({"$answer": told["$request"], "on": on}))
        except TimeoutError:
            pass
