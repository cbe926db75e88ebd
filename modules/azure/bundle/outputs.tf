output "script" {
  description = "All of it as one script, gzipped and in base64."
  value       = base64gzip(join("", concat([file("${path.module}/head.${var.system == "windows" ? "ps1" : "sh"}")], local.parts)))
}
