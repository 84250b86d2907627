"""The process that answers requests: one graph, one request at a time, HTTP on a unix socket."""
