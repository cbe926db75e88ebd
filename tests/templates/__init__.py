"""Templates as people write them: what the command line says of them, and the workspaces that they become."""
