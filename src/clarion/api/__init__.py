"""HTTP: the ingest hot path and the resource routes."""
