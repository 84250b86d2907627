"""Which settings compute a package fastest on this machine: what is tried, how it is timed, what is advised."""
