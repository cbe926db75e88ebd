"""Hostile documents: whatever a template says, it stays text."""
