"""Clarion: custom events become workflows, workflows become pushes."""

__version__ = "0.1.0"
