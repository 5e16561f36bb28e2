"""The only decoder and encoder: files and bytes to uint8 RGB arrays and back, without surprises."""
