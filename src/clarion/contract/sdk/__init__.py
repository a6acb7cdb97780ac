"""The wire of `/p/v1`: what browser and mobile SDKs send, and what they are answered (docs/reference/sdk-endpoints.md). Pure."""
