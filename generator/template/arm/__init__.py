"""The ARM template language: expressions, and whole deployment templates down to one image template."""

from generator.template.arm.expand import Expanded, evaluate_body, expand, is_deployment
from generator.template.arm.inputs import Inputs, parameters_of

__all__ = ["Expanded", "Inputs", "evaluate_body", "expand", "is_deployment", "parameters_of"]
