"""The runtime: a sans-IO core (sessions, calls, streams), its gRPC transport, the executor, the API."""
