"""What delivery sends, to receivers on this machine."""
