# The folder that holds a build's disk, firmware variables and records. It lies outside the workspace and goes with
# the staging, whatever became of the machine in it.
resource "terraform_data" "this" {
  input = {
    directory = var.directory
    tool      = var.tool
  }

  provisioner "local-exec" {
    command     = jsonencode({ directory = var.directory })
    interpreter = concat(var.tool, ["prepare"])
    quiet       = true
  }

  provisioner "local-exec" {
    command     = jsonencode({ directory = self.output.directory })
    interpreter = concat(self.output.tool, ["remove"])
    quiet       = true
    when        = destroy
  }
}
