"""What is kept: the ledger, the blobs, people's decisions, and the folder that holds them."""
