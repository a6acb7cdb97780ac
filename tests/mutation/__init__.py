"""Mutation testing of the pure core: one small change at a time, and whether a test notices (`python -m tests.mutation`)."""
