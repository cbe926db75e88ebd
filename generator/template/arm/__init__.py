"""The ARM template language: expressions, and whole deployment templates down to one image template."""
