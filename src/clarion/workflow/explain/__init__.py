"""What happened and why, in sentences that name the row and the value it saw."""
