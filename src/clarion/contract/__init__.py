"""The wire: what requests may say and how refusals are worded. Pure."""
