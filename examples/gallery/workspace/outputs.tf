output "images" {
  description = "The released images: \"output/version\" => id of the gallery version or managed image, address of the VHD. Null while there are none."
  value       = length(local.images) == 0 ? null : { for key, image in local.images : key => image.id }
}
