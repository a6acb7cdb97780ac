"""Document to program to `advance()`. Pure and deterministic."""
