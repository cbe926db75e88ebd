"""What an address of Terraform's says."""

import pytest

from generator.builder.address import Address, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("module.vm.terraform_data.this", Address("module.vm.terraform_data.this", "vm", "", "terraform_data", "this")),
        (
            'module.image["out/1.0.0"].azurerm_shared_image_version.this',
            Address(
                'module.image["out/1.0.0"].azurerm_shared_image_version.this', "image", "out/1.0.0",
                "azurerm_shared_image_version", "this",
            ),
        ),
        (
            "module.staging[0].terraform_data.cached[0]",
            Address("module.staging[0].terraform_data.cached", "staging", "0", "terraform_data", "cached"),
        ),
    ],
)  # fmt: skip
def test_the_parts_of_an_address(text: str, expected: Address) -> None:
    """A resource's own index is no part of it."""
    assert parse(text) == expected


def test_what_is_in_no_module_has_no_parts() -> None:
    assert parse("terraform_data.this") is None
