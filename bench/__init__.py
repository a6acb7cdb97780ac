"""Measures Clarion as its users run it: a real `clarion serve` process on loopback, beside floors that do less."""
