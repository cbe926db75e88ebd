"""Whole builds on the Azure target, in the simulated Azure."""
