output "images" {
  description = "The released images: \"output/version\" => id of the gallery version or managed image, address of the VHD. Null while there are none."
  value       = length(local.images) == 0 ? null : { for key, image in local.images : key => image.id }
}

output "ledger" {
  description = "A copy of the ledger, from which `imagegen releases repair` brings back an entry whose commit was lost. Null while there are no releases."
  value       = length(local.releases) == 0 ? null : local.releases
}

output "workspace" {
  description = "Whose state this is: imagegen refuses the state of another workspace. Null while the state is empty."
  value       = var.build_version == null && length(local.releases) == 0 ? null : "gallery"
}
