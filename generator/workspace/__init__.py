"""From a checked template to the files of a workspace."""
