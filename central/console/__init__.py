"""The supervisors' console: server-rendered pages, live fragments over SSE."""
