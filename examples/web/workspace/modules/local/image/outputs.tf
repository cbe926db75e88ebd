output "path" {
  description = "The image file, relative to the workspace."
  value       = "${var.directory}/image.vhd"
}
