"""What a proof leaves behind: the report, which anybody can check later, elsewhere and without a cluster."""
