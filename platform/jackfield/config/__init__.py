"""endpoints.yaml -> Plan. Pure: no asyncio, no network, no starlette."""
