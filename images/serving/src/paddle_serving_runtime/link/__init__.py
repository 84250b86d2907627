"""What two processes of a pod agree on, the writing and the reading side of each thing in one file."""
