"""Sends the outbox: web push and HTTP requests, with retries and guards."""
