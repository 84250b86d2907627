"""What is compared with what, and what it means: from answers to a verdict. Asks nobody and waits for nothing."""
