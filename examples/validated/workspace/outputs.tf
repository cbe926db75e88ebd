output "images" {
  description = "The released images: \"output/version\" => path of the VHD, relative to this folder. Null while there are none."
  value       = length(local.images) == 0 ? null : { for key, image in module.image : key => image.path }
}
