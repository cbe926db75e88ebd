"""The operating system: one door for each thing it does. Knows nothing of images."""
