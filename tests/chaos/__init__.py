"""Chaos: builds that are killed at random moments, in a world that breaks: nothing leaks, nothing is lost."""
